"""Helpers over the trials table that every other file of the analysis shares."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from uncollapse.analysis.schema import (
    CURVE_COLUMNS,
    LIKELIHOODS,
    MEASURE_COLUMNS,
    SPLIT_OF_STAGE,
    STAGES,
    STATES,
    TRIAL_COLUMNS,
)

PARAM = "param."
UNIT = ["family", "configuration"]


def complete(trials: pd.DataFrame) -> pd.DataFrame:
    """The trials with every required column present; ValueError names unknown states and stages."""
    table = trials.copy().reset_index(drop=True)
    for column in TRIAL_COLUMNS:
        if column not in table:
            table[column] = pd.Series([np.nan] * len(table), dtype="object")
    table["cause"] = table["cause"].fillna("").astype(str)
    for column in ("origin", "role", "reused_from"):
        table[column] = table[column].fillna("").astype(str)
    table["audit"] = table["audit"].eq(True)
    errors = _unknown(table, "state", STATES) + _unknown(table, "stage", STAGES)
    if errors:
        raise ValueError(" ".join(errors))
    return table


def complete_curves(curves: pd.DataFrame) -> pd.DataFrame:
    """The curves with key, epoch and updates present, even when nothing was recorded."""
    table = curves.copy().reset_index(drop=True)
    for column in CURVE_COLUMNS:
        if column not in table:
            table[column] = pd.Series([np.nan] * len(table), dtype="object")
    return table


def _unknown(table: pd.DataFrame, column: str, known: tuple[str, ...]) -> list[str]:
    strange = sorted({str(value) for value in table[column]} - set(known))
    return [f"A trial's {column} is one of {', '.join(known)}; found {', '.join(strange)}."] if strange else []


def stacked(tables: Iterable[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    """The tables one under another; of none, an empty table with these columns."""
    found = list(tables)
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=list(columns))


def numbers(table: pd.DataFrame, column: str) -> pd.Series:
    """One column as floats; absent columns and non-finite values are NaN."""
    if column not in table:
        return pd.Series(np.nan, index=table.index, dtype=float)
    values = pd.to_numeric(table[column], errors="coerce").astype(float)
    return values.where(np.isfinite(values))


def measure(trials: pd.DataFrame, name: str) -> pd.Series:
    """A measure on the split its stage reports: `subset` for search trials, `valid` for replicate trials."""
    values = pd.Series(np.nan, index=trials.index, dtype=float)
    for stage, split in SPLIT_OF_STAGE.items():
        values = values.where(trials["stage"] != stage, numbers(trials, f"{split}/{name}"))
    return values


def with_measures(trials: pd.DataFrame) -> pd.DataFrame:
    """The trials with one plain column per measure, and `nll` beside the `nll_estimator` that gave it.

    `nll` is the first of `LIKELIHOODS` that a trial has: nll_exact where it is exact, nll_iw elsewhere, and for models
    of something else than the sentence the figure that says so in its name; nats per sentence.
    """
    measures = [*MEASURE_COLUMNS, *_kl_parts(trials)]
    columns = {name: measure(trials, name) for name in measures}
    figures = pd.DataFrame({name: columns[name] for name in LIKELIHOODS}, index=trials.index)
    columns["nll"] = figures.bfill(axis=1).iloc[:, 0]
    estimator = np.select([figures[name].notna() for name in LIKELIHOODS], LIKELIHOODS, default="")
    extra = pd.DataFrame(columns, index=trials.index).assign(nll_estimator=estimator)
    return pd.concat([trials.drop(columns=extra.columns, errors="ignore"), extra], axis=1)


def _kl_parts(trials: pd.DataFrame) -> list[str]:
    return sorted({str(c).split("/", 1)[1] for c in trials.columns if "/kl_" in str(c)})


def family_order(study: Mapping[str, Any], trials: pd.DataFrame) -> list[str]:
    """Families in the study's order, then any others as they appear in the trials."""
    listed = [str(name) for name in study.get("families") or []]
    seen = [str(name) for name in trials["family"].dropna().unique()] if "family" in trials else []
    return list(dict.fromkeys([*listed, *seen]))


def hyperparameters(trials: pd.DataFrame) -> list[str]:
    """Searched hyperparameters (`param.` columns) that hold a value in at least one of these trials."""
    searched = [c for c in trials.columns if str(c).startswith(PARAM)]
    held = trials[searched].notna().to_numpy().any(axis=0)
    return [c for c, known in zip(searched, held, strict=True) if known]


def hyperparameter_label(column: str) -> str:
    """`param.optimizer.lr` as a person reads it: `optimizer.lr`."""
    return column.removeprefix(PARAM)


def settings(row: Mapping[str, Any], columns: Iterable[str]) -> str:
    """The hyperparameters of one configuration in one line: `optimizer.lr=0.001, latent.size=32`."""
    present = [(hyperparameter_label(c), row[c]) for c in columns if pd.notna(row[c])]
    return ", ".join(f"{name}={value_text(value)}" for name, value in present)


def value_text(value: Any) -> str:
    """A hyperparameter's value, with three significant digits where it is a float."""
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    return f"{value:.3g}" if isinstance(value, (float, np.floating)) else str(value)
