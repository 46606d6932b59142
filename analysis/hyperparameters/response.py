"""How nll, mi and collapse respond to each searched hyperparameter, over search trials.

A search visits configurations adaptively and stops trials early: these tables describe what it saw, not what would
happen under every other. Trials that were stopped enter with their last figures and are marked.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from uncollapse.analysis.counted import counted
from uncollapse.analysis.statistics.intervals import LEVEL, bootstrap_spearman
from uncollapse.analysis.statistics.medians import FEWEST, median_ends
from uncollapse.analysis.tables import hyperparameter_label, hyperparameters, stacked

TIDY_COLUMNS = [
    "family",
    "hyperparameter",
    "key",
    "configuration",
    "number",
    "value",
    "kind",
    "log",
    "nll",
    "nll_estimator",
    "mi",
    "collapsed",
    "verdict",
    "state",
    "audit",
]
MEASURED = ("nll", "mi", "collapsed")
LOG_SPREAD = 20.0
FEW, TOO_FEW = 10, 5


def tidy(judged: pd.DataFrame) -> pd.DataFrame:
    """One row per search trial and searched hyperparameter: value, nll (with its estimator), mi and verdict.

    A hyperparameter is `numeric` or `categorical` per family. `log` holds where positive values span a factor of 20
    or more and half of them lie in the lowest quarter of that span; it is for axes only.
    Hyperparameters with one value only are left out; a trial whose branch lacks a hyperparameter has no row for it.
    """
    return stacked(_hyperparameter_tables(judged[judged["stage"] == "search"]), TIDY_COLUMNS)


def _hyperparameter_tables(search: pd.DataFrame) -> Iterator[pd.DataFrame]:
    for _, group in search.groupby("family", sort=False):
        for column in hyperparameters(group):
            table = group[group[column].notna()]
            values, kind = typed(table[column])
            if values.nunique() > 1:
                log = kind == "numeric" and looks_log(values)
                table = table.assign(
                    value=values.astype(object), hyperparameter=hyperparameter_label(column), kind=kind, log=log
                )
                yield table[TIDY_COLUMNS]


def looks_log(values: pd.Series) -> bool:
    """Whether positive values span a factor of 20 and half of them lie in the lowest quarter of the span."""
    low, middle, high = float(values.min()), float(values.median()), float(values.max())
    return low > 0 and high / low >= LOG_SPREAD and middle - low < (high - low) / 4


def typed(values: pd.Series) -> tuple[pd.Series, str]:
    """A hyperparameter's values as floats and "numeric", or as words and "categorical" where one of them is no
    number."""
    booleans = values.map(lambda v: isinstance(v, (bool, np.bool_)))
    as_numbers = pd.to_numeric(values, errors="coerce")
    if booleans.any() or as_numbers.isna().any():
        return values.map(str), "categorical"
    return as_numbers.astype(float), "numeric"


def correlations(table: pd.DataFrame, level: float = LEVEL, seed: int = 0) -> pd.DataFrame:
    """Spearman's rank correlation of each numeric hyperparameter with nll, mi and collapse, with a bootstrap interval.

    Below 5 trials no figure is given, below 10 a note warns; `stopped` counts trials that enter with early figures.
    """
    numeric = table[table["kind"] == "numeric"]
    rows = [
        {"family": family, "hyperparameter": hyperparameter, "measure": name, **bootstrapped(group, name, level, seed)}
        for (family, hyperparameter), group in numeric.groupby(["family", "hyperparameter"], sort=False)
        for name in MEASURED
    ]
    columns = ["family", "hyperparameter", "measure", "trials", "stopped", "spearman", "low", "high", "note"]
    return pd.DataFrame(rows, columns=columns)


def bootstrapped(group: pd.DataFrame, name: str, level: float = LEVEL, seed: int = 0) -> dict[str, Any]:
    """Spearman's correlation of one hyperparameter's rows of `tidy` with a measure, as a row of `correlations`."""
    known = group[group[name].notna()]
    x, y = known["value"].astype(float).to_numpy(), known[name].astype(float).to_numpy()
    row: dict[str, Any] = {"trials": len(known), "stopped": int((known["state"] == "stopped").sum()), "note": ""}
    if len(known) < TOO_FEW:
        return row | {"note": f"{counted(len(known), 'trial')}: too few for a correlation"}
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return row | {"note": "no variation, so no correlation"}
    low, high = bootstrap_spearman(x, y, level, seed)
    note = f"only {counted(len(known), 'trial')}" if len(known) < FEW else ""
    return row | {"spearman": float(stats.spearmanr(x, y)[0]), "low": float(low), "high": float(high), "note": note}


def levels(table: pd.DataFrame, level: float = LEVEL) -> pd.DataFrame:
    """Median nll and mi, with order-statistic intervals, per level of each categorical hyperparameter."""
    categorical = table[table["kind"] == "categorical"]
    rows = [
        {
            "family": family,
            "hyperparameter": hyperparameter,
            "level": value,
            "measure": name,
            **_median(group[name], level),
        }
        for (family, hyperparameter, value), group in categorical.groupby(
            ["family", "hyperparameter", "value"], sort=False
        )
        for name in ("nll", "mi")
    ]
    return pd.DataFrame(
        rows, columns=["family", "hyperparameter", "level", "measure", "trials", "median", "low", "high", "note"]
    )


def _median(values: pd.Series, level: float) -> dict[str, Any]:
    known = values.dropna().astype(float).to_numpy()
    if len(known) == 0:
        return {"trials": 0, "note": "no trial with this level has a figure"}
    low, high = median_ends(known, level)
    note = f"{len(known)} of the {FEWEST} trials that an interval needs" if len(known) < FEWEST else ""
    return {
        "trials": len(known),
        "median": float(np.median(known)),
        "low": float(low),
        "high": float(high),
        "note": note,
    }


def bins(values: pd.Series, kind: str, most: int = 5, each: int = 4) -> pd.Series:
    """A bin per trial: the level itself, or quantile bins that hold at least `each` trials where there are enough."""
    if kind == "categorical":
        return values.map(str)
    numeric = values.astype(float)
    distinct = numeric.nunique()
    if distinct <= most and 2 * distinct <= len(numeric):
        return numeric
    count = int(min(most, max(1, len(numeric) // each)))
    cut = pd.qcut(numeric, count, duplicates="drop")
    return numeric.groupby(cut, observed=True).transform("median")
