"""What the search promised on tuning seeds, and what confirmation seeds kept of it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from uncollapse.analysis.schema import with_fallbacks
from uncollapse.analysis.statistics.intervals import LEVEL, mean_interval
from uncollapse.analysis.statistics.medians import FEWEST, median_ends
from uncollapse.analysis.tables import numbers, stacked

SELECT = "subset/nll_iw"
ALL = "all families"
_PROMISE = ["family", "configuration", "measure", "tuning_seed", "search", "replicate", "low", "high", "seeds", "note"]
_PAIRS = ["family", "configuration", "measure", "search", "replicate", "seeds"]
_REGRESSION = [
    "family",
    "measure",
    "configurations",
    "optimism",
    "low",
    "high",
    "slope",
    "slope_low",
    "slope_high",
    "note",
]


def promises(judged: pd.DataFrame, study: Mapping[str, Any], level: float = LEVEL) -> pd.DataFrame:
    """Each family's search winner: its figure on the tuning seed beside its median on confirmation seeds.

    Both are the searched metric on the same subset with the same sample count, so that they may be compared. The winner
    is the lowest among search trials that ran to the end; a winner is chosen for being low, so expect it to fall back.
    """
    select = str(study.get("select") or SELECT)
    rows = [
        {"family": family, **_promise(group, select, level)} for family, group in judged.groupby("family", sort=False)
    ]
    return pd.DataFrame(rows, columns=_PROMISE)


def _promise(group: pd.DataFrame, select: str, level: float) -> dict[str, Any]:
    search = group[(group["stage"] == "search") & (group["state"] == "finished")]
    measure = _shared_measure(search, select)
    figures = numbers(search, measure).dropna()
    if figures.empty:
        return {"measure": measure, "note": "no search trial ran to the end with a figure"}
    winner = search.loc[figures.idxmin()]
    row = {"configuration": winner["configuration"], "measure": measure, "tuning_seed": winner["seed"]}
    kept = group[(group["stage"] == "replicate") & (group["configuration"] == winner["configuration"])]
    values = numbers(kept[kept["state"] == "finished"], measure).dropna()
    row |= {"search": float(figures.min()), "seeds": len(values)}
    if values.empty:
        return row | {"note": "the winner has not been replicated"}
    low, high = median_ends(values, level)
    note = f"{len(values)} of the {FEWEST} seeds that an interval needs" if len(values) < FEWEST else ""
    return row | {"replicate": float(values.median()), "low": float(low), "high": float(high), "note": note}


def _shared_measure(search: pd.DataFrame, select: str) -> str:
    """The searched metric on the subset, which both stages record, or its fallback in this family."""
    name = select.split("/")[-1]
    return next(
        (f"subset/{one}" for one in with_fallbacks(name) if numbers(search, f"subset/{one}").notna().any()),
        f"subset/{name}",
    )


def promised_and_kept(judged: pd.DataFrame, study: Mapping[str, Any]) -> pd.DataFrame:
    """Every replicated configuration that the search also ran to its end: a row each, nats per sentence.

    `search` is its lowest figure on a tuning seed (a proposal may come twice), `replicate` its median over `seeds`
    confirmation seeds; both are `measure`, as in `promises`.
    """
    select = str(study.get("select") or SELECT)
    tables = [_kept(group, str(family), select) for family, group in judged.groupby("family", sort=False)]
    return stacked(tables, _PAIRS)


def _kept(group: pd.DataFrame, family: str, select: str) -> pd.DataFrame:
    finished = group[group["state"] == "finished"]
    measure = _shared_measure(finished[finished["stage"] == "search"], select)
    figures = finished.assign(value=numbers(finished, measure)).dropna(subset=["value"])
    searched, replicated = (
        figures[figures["stage"] == stage].groupby("configuration", sort=False)["value"]
        for stage in ("search", "replicate")
    )
    kept = replicated.agg(replicate="median", seeds="count")
    pairs = kept.join(searched.min().rename("search"), how="inner").reset_index()
    return pairs.assign(family=family, measure=measure)[_PAIRS]


def regression(judged: pd.DataFrame, study: Mapping[str, Any], level: float = LEVEL) -> pd.DataFrame:
    """How far replicated configurations fell back towards the mean, per family and over all families.

    `optimism` is the mean of kept - promised over a family's configurations with a t interval over them, nats per
    sentence: positive means that the search flattered. Over all families (one row a measure) it is the mean of the
    families' means, with a t interval over families. `slope` is the least-squares slope of kept on promised within
    families: 1 if promises were kept, 0 if a promise said nothing. It estimates the share of a promise's variance that
    belongs to the configurations and not to the seed (Galton's regression); choosing configurations by their promise
    does not bias it. Its interval is Student's. An interval needs two configurations, a slope three.
    """
    pairs = promised_and_kept(judged, study)
    families = {str(name): group for name, group in pairs.groupby("family", sort=False)}
    rows = [_fall(name, families.get(name, pairs.iloc[:0]), level) for name in judged["family"].dropna().unique()]
    rows += [_fall_of_all(str(measure), group, level) for measure, group in pairs.groupby("measure", sort=False)]
    return pd.DataFrame(rows, columns=_REGRESSION)


def _fall(family: str, pairs: pd.DataFrame, level: float) -> dict[str, Any]:
    row: dict[str, Any] = {"family": family, "configurations": len(pairs), "note": ""}
    if pairs.empty:
        return row | {"note": "no replicated configuration has a figure of both stages"}
    row |= {"measure": pairs["measure"].iloc[0]} | _optimism(pairs["replicate"] - pairs["search"], level)
    return row | _slope(pairs, level) | ({"note": "one configuration: no interval"} if len(pairs) == 1 else {})


def _fall_of_all(measure: str, pairs: pd.DataFrame, level: float) -> dict[str, Any]:
    falls = (pairs["replicate"] - pairs["search"]).groupby(pairs["family"]).mean()
    row = {"family": ALL, "measure": measure, "configurations": len(pairs)} | _optimism(falls, level)
    return row | _slope(pairs, level) | {"note": "one family: no interval" if len(falls) == 1 else ""}


def _optimism(falls: pd.Series, level: float) -> dict[str, float]:
    low, high = mean_interval(falls, level)
    return {"optimism": float(falls.mean()), "low": float(low), "high": float(high)}


def _slope(pairs: pd.DataFrame, level: float) -> dict[str, float]:
    """Pooled least squares with an intercept per family."""
    x, y = (_centred(pairs[name], pairs["family"]) for name in ("search", "replicate"))
    spread, free = float(x @ x), len(x) - pairs["family"].nunique() - 1
    if spread <= 1e-12 or free < 1:
        return {"slope": np.nan, "slope_low": np.nan, "slope_high": np.nan}
    slope = float(x @ y / spread)
    error = np.sqrt(float(((y - slope * x) ** 2).sum()) / free / spread)
    half = float(stats.t.ppf(0.5 + level / 2, free) * error)
    return {"slope": slope, "slope_low": slope - half, "slope_high": slope + half}


def _centred(values: pd.Series, groups: pd.Series) -> npt.NDArray[np.float64]:
    return (values - values.groupby(groups).transform("mean")).to_numpy(dtype=float)
