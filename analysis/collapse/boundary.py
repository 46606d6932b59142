"""Where collapse begins: the fitted probability of collapse along each numeric searched hyperparameter, over search
trials.

A search visits configurations adaptively, so these curves describe what it visited; only replicate trials
answer "how often".
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from uncollapse.analysis.counted import counted
from uncollapse.analysis.hyperparameters import response
from uncollapse.analysis.statistics.firth_logistic import SURE, Array, Curve, band, firth
from uncollapse.analysis.statistics.intervals import LEVEL
from uncollapse.analysis.tables import PARAM, stacked

POINTS = 41
FEWEST = 10
COUNTS = ["trials", "collapsed", "audit", "stopped"]
COLUMNS = ["family", "hyperparameter", "log", "value", "probability", "low", "high", "with_stopped", *COUNTS, "note"]
CROSSING_COLUMNS = ["family", "hyperparameter", *COUNTS, "direction", "crossing", "low", "high", "note"]


def scaled(values: Array, ends: tuple[float, float], log: bool) -> Array:
    """Values with `ends` put at -1 and 1, in the logarithm where `log`."""
    x, low, high = (np.log(v) for v in (values, *ends)) if log else (values, *ends)
    return np.asarray(2 * (x - low) / (high - low) - 1, dtype=float)


def grid(ends: tuple[float, float], log: bool, points: int) -> Array:
    """Values from one end to the other, evenly spaced, in the logarithm where `log`."""
    return np.geomspace(*ends, points) if log else np.linspace(*ends, points)


def trained(table: pd.DataFrame) -> pd.Series:
    """Trials trained to their end with a verdict: the survivors of early stopping, and the audit share."""
    return (table["state"] == "finished") & table["collapsed"].notna()


def pooled_branches(group: pd.DataFrame, fewest: int = 2) -> pd.DataFrame:
    """One family's trials with a hyperparameter `path.*.leaf` beside the `path.<kind>.leaf` that at least `fewest`
    kinds have.

    So the KL weight of `objective.kl.z.*.value` is one hyperparameter, whatever the annealing's kind.
    """
    pooled: dict[str, pd.Series] = {}
    for kind in [c for c in group.columns if str(c).startswith(PARAM) and str(c).endswith(".kind")]:
        path = str(kind).removesuffix("kind")
        branches = [
            c for name in group[kind].dropna().unique() for c in group.columns if c.startswith(f"{path}{name}.")
        ]
        for leaf in dict.fromkeys(c.removeprefix(path).split(".", 1)[1] for c in branches):
            own = [c for c in branches if c.removeprefix(path).split(".", 1)[1] == leaf and group[c].notna().any()]
            if len(own) >= fewest:
                pooled[f"{path}*.{leaf}"] = group[own].bfill(axis=1).iloc[:, 0]
    return group.assign(**pooled)


def searched(judged: pd.DataFrame, fewest: int = 2) -> Iterator[tuple[str, pd.DataFrame]]:
    """Every family with the numeric rows of `response.tidy` over its own and its pooled hyperparameters."""
    needed = [c for c in judged.columns if c in response.TIDY_COLUMNS or str(c).startswith(PARAM)]
    search = judged.loc[judged["stage"] == "search", [*needed, "stage"]]
    for family, group in search.groupby("family", sort=False):
        table = response.tidy(pooled_branches(group, fewest))
        yield str(family), table[(table["kind"] == "numeric") & table["collapsed"].notna()]


def boundary(judged: pd.DataFrame, points: int = POINTS, level: float = LEVEL) -> pd.DataFrame:
    """The fitted probability of collapse on a grid of every numeric searched hyperparameter's values, with a
    pointwise band.

    Firth's logistic regression on 1, x and x^2 (without x^2 below three distinct values), x the hyperparameter or its
    logarithm.
    Fitted to search trials that were trained to their end: those that survived early stopping and the audit share.
    Stopped trials are counted, not fitted, because their verdict is not final; `with_stopped` is the fit with their
    last verdicts added, to see whether leaving them out matters. It can: stopping selects by likelihood, and never
    before annealing ends, so that survivors differ from what was visited, along the annealing's length above all.
    Replicate runs do not enter: runs of one configuration share every hyperparameter and are not independent, and their
    configurations were chosen by their likelihood.
    Hyperparameters of several annealing kinds also enter together, as `objective.kl.z.*.value`.

    Columns: `COLUMNS`, a row a grid value; `collapsed` and `audit` count among the fitted `trials`. A hyperparameter
        without a
    fit has one row, without a value, and a note that says why. Coverage of a 95 % band, pointwise, by simulation with
    80 trials: 95 to 98 %; 92 where a steep truth is below 2 % or above 98 %, drawn towards 1/2.
    """
    tables = []
    for family, table in searched(judged):
        for hyperparameter, group in table.groupby("hyperparameter", sort=False):
            fitted = _along(group, points, level)
            tables.append(
                fitted.assign(family=family, hyperparameter=hyperparameter, **counts(group)).reindex(columns=COLUMNS)
            )
    return stacked(tables, COLUMNS)


def boundary_points(judged: pd.DataFrame) -> pd.DataFrame:
    """The trials that `boundary` is fitted to, a row a trial and hyperparameter."""
    columns = ["family", "hyperparameter", "value", "collapsed", "audit", "key", "configuration", "number"]
    tables = [table.loc[trained(table), columns] for _, table in searched(judged)]
    return stacked((table for table in tables if len(table)), columns)


def counts(group: pd.DataFrame) -> dict[str, int]:
    """How many trials a fit rests on, how many of them collapsed or are of the audit, and how many were left out."""
    own = group[trained(group)]
    stopped = int((group["state"] == "stopped").sum())
    return dict(zip(COUNTS, (len(own), int(own["collapsed"].sum()), int(own["audit"].sum()), stopped), strict=True))


def one_sided(outcome: Array) -> str:
    """What to say where every trial ended alike."""
    return {0.0: "no trial collapsed", 1.0: "every trial collapsed"}.get(float(np.mean(outcome)), "")


def _along(group: pd.DataFrame, points: int, level: float) -> pd.DataFrame:
    own = group[trained(group)]
    values, log = own["value"].to_numpy(dtype=float), bool(group["log"].iloc[0])
    if len(own) < FEWEST:
        return pd.DataFrame(
            [{"note": f"{counted(len(own), 'trial')} trained to their end: {FEWEST} are needed for a curve"}]
        )
    if np.ptp(values) == 0:
        return pd.DataFrame([{"note": "every trial trained to its end has the same value"}])
    ends = (float(values.min()), float(values.max()))
    at = grid(ends, log, points)
    curve = _curve(own, at, ends, log, level)
    everything = _curve(group[trained(group) | (group["state"] == "stopped")], at, ends, log, level)
    facts = {"log": log, "value": at, "with_stopped": everything.probability, "note": one_sided(_outcome(own))}
    return pd.DataFrame(facts | curve._asdict())


def _outcome(own: pd.DataFrame) -> Array:
    return own["collapsed"].to_numpy(dtype=float)


def _curve(own: pd.DataFrame, at: Array, ends: tuple[float, float], log: bool, level: float) -> Curve:
    values = own["value"].to_numpy(dtype=float)
    terms = min(3, len(np.unique(values)))
    design, wanted = (np.vander(scaled(x, ends, log), terms, increasing=True) for x in (values, at))
    return band(firth(design, _outcome(own)), wanted, level)


def crossings(table: pd.DataFrame) -> pd.DataFrame:
    """Where the fitted probability of `boundary` crosses 1/2, a row a family and hyperparameter.

    `low` and `high` bound the values whose band holds 1/2 (the set of Fieller 1954); an end is NaN where the band still
    holds 1/2 at the edge of the searched values. `direction`: `rises` or `falls` with the hyperparameter. Without a
    crossing, or with several, `crossing` is NaN and the note says which.
    """
    rows: list[dict[str, Any]] = []
    for (family, hyperparameter), group in table.groupby(["family", "hyperparameter"], sort=False):
        found = _crossing(group) if group["value"].notna().all() else {"note": group["note"].iloc[0]}
        rows.append({"family": family, "hyperparameter": hyperparameter, **group[COUNTS].iloc[0].to_dict(), **found})
    return pd.DataFrame(rows, columns=CROSSING_COLUMNS)


def _crossing(group: pd.DataFrame) -> dict[str, Any]:
    log, x = bool(group["log"].iloc[0]), group["value"].to_numpy(dtype=float)
    x = np.log(x) if log else x
    middle, low, high = (_logit(group[name]) for name in ("probability", "low", "high"))
    roots = _roots(x, middle)
    if len(roots) == 0:
        side = "below" if middle[0] < 0 else "above"
        return {"note": group["note"].iloc[0] or f"the fitted probability stays {side} 1/2"}
    if len(roots) > 1:
        return {"note": "the fitted probability crosses 1/2 more than once"}
    rises = middle[0] < middle[-1]
    first, last = (high, low) if rises else (low, high)
    before, after = _roots(x, first), _roots(x, last)
    start = max(before[before <= roots[0]], default=np.nan)
    end = min(after[after >= roots[0]], default=np.nan)
    back = np.exp if log else float
    found = {name: float(back(v)) for name, v in (("crossing", roots[0]), ("low", start), ("high", end))}
    note = _openness(bool(np.isnan(start)), bool(np.isnan(end)))
    return {"direction": "rises" if rises else "falls", **found, "note": note}


def _openness(low: bool, high: bool) -> str:
    if low and high:
        return "the band holds 1/2 at both edges: no boundary is identified"
    return f"the interval's {'low' if low else 'high'} end is open" if low or high else ""


def _logit(share: pd.Series) -> Array:
    return np.asarray(special.logit(share.to_numpy(dtype=float).clip(SURE, 1 - SURE)), dtype=float)


def _roots(x: Array, y: Array) -> Array:
    at = np.flatnonzero((y[:-1] < 0) != (y[1:] < 0))
    return np.asarray(x[at] - y[at] * (x[at + 1] - x[at]) / (y[at + 1] - y[at]), dtype=float)
