"""Pareto fronts: configurations that no other beats in two figures at once."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from uncollapse.analysis.comparison.configurations import by_seed, configurations
from uncollapse.analysis.comparison.ranking import BOOTSTRAPS, bootstrap_medians
from uncollapse.analysis.statistics.intervals import LEVEL, Array
from uncollapse.analysis.statistics.medians import median_interval, row_medians
from uncollapse.analysis.tables import UNIT

Sense = Literal["low", "high"]
Senses = tuple[Sense, Sense]


class Front(NamedTuple):
    """A Pareto front's two measures, x across and y up, and which way each is better."""

    name: str
    x: str
    y: str
    senses: Senses


FRONTS = (
    Front("NLL and mi", "mi", "nll", ("high", "low")),
    Front("NLL and Hoyer", "hoyer_mean", "nll", ("high", "low")),
    Front("class accuracy and Hoyer", "hoyer_mean", "class_accuracy", ("high", "high")),
)


def asked(study: Mapping[str, Any]) -> tuple[Front, ...]:
    """The Pareto fronts of every study, and those of what a search was asked for beside its NLL."""
    known = [which.x for which in FRONTS if which.y == "nll"]
    more = [name for name in study.get("objectives", ())[1:] if name not in known]
    return *FRONTS, *(Front(f"NLL and {name}", name, "nll", ("high", "low")) for name in more)


_POINTS = ["front", "x_measure", "y_measure", "estimator", *UNIT, "settings", "seeds"]
_POINTS += ["x", "x_low", "x_high", "y", "y_low", "y_high", "on_front", "share_on_front", "note"]


def on_front(first: npt.ArrayLike, second: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Which points lie on the Pareto front, lower being better, along the last axis; never one with NaN. In n log n."""
    x, y = np.broadcast_arrays(np.asarray(first, dtype=float), np.asarray(second, dtype=float))
    known = np.isfinite(x) & np.isfinite(y)
    if not x.size:
        return known
    x, y = np.where(known, x, np.inf), np.where(known, y, np.inf)
    order = np.lexsort((y, x), axis=-1)
    a, b = np.take_along_axis(x, order, -1), np.take_along_axis(y, order, -1)
    lowest = np.concatenate([np.full((*b.shape[:-1], 1), np.inf), np.minimum.accumulate(b, axis=-1)[..., :-1]], axis=-1)
    again = np.zeros(a.shape, dtype=bool)
    again[..., 1:] = (a[..., 1:] == a[..., :-1]) & (b[..., 1:] == b[..., :-1])
    head = np.maximum.accumulate(np.where(again, 0, np.arange(a.shape[-1])), axis=-1)
    kept = np.take_along_axis(b < lowest, head, -1)
    found = np.zeros_like(kept)
    np.put_along_axis(found, order, kept, -1)
    return found & known


def fronts(
    judged: pd.DataFrame,
    table: pd.DataFrame | None = None,
    level: float = LEVEL,
    seed: int = 0,
    draws: int = BOOTSTRAPS // 2,
    pairs: Sequence[Front] = FRONTS,
) -> pd.DataFrame:
    """Every replicated configuration in every pair of figures of `pairs`, and whether it lies on the Pareto front.

    `x` and `y` are medians over finished confirmation seeds with the order-statistic interval of
    `medians.median_interval`; `seeds` have both figures. `share_on_front` is the share of bootstraps over seeds,
    drawn jointly, in which it lies on the front: NaN with fewer than two seeds. A front of medians flatters: points
    reach it partly by luck. Likelihoods of different estimators are on fronts of their own; `estimator` names it, and
    is empty where no likelihood takes part. Configurations with fewer than half of their seeds finished are on none,
    as `note` says.
    """
    known = configurations(judged) if table is None else table
    tables = [
        _points(judged, group, which, str(name), level, seed, draws)
        for which in pairs
        for name, group in (known.groupby("nll_estimator", sort=False) if "nll" in which else [("", known)])
    ]
    return pd.concat([t for t in tables if len(t)] or [pd.DataFrame(columns=_POINTS)], ignore_index=True)


def _points(
    judged: pd.DataFrame, table: pd.DataFrame, which: Front, estimator: str, level: float, seed: int, draws: int
) -> pd.DataFrame:
    units = pd.MultiIndex.from_frame(table[UNIT])
    x, y = (by_seed(judged, name).reindex(units).to_numpy(dtype=float) for name in (which.x, which.y))
    both = np.isfinite(x) & np.isfinite(y)
    x, y = np.where(both, x, np.nan), np.where(both, y, np.nan)
    rows = table[[*UNIT, "settings"]].assign(
        front=which.name, x_measure=which.x, y_measure=which.y, estimator=estimator
    )
    columns: dict[str, Any] = {"seeds": both.sum(axis=1), "x": row_medians(x), "y": row_medians(y)}
    for name, values in (("x", x), ("y", y)):
        columns[f"{name}_low"], columns[f"{name}_high"], _ = median_interval(values, level)
    thin = table["few_seeds"].to_numpy(dtype=bool)
    signs = [1 if sense == "low" else -1 for sense in which.senses]
    columns["on_front"] = on_front(
        *(sign * np.where(thin, np.nan, columns[n]) for sign, n in zip(signs, "xy", strict=True))
    )
    columns["share_on_front"] = _share(x[~thin], y[~thin], signs, thin, seed, draws)
    columns["note"] = np.where(thin, "fewer than half of its seeds finished: on no front", "")
    found = rows.assign(**columns)
    return found[found["seeds"] > 0][_POINTS]


def _share(x: Array, y: Array, signs: list[int], thin: npt.NDArray[np.bool_], seed: int, draws: int) -> Array:
    share = np.full(len(thin), np.nan)
    seeds = np.isfinite(x).any(axis=0)
    if seeds.sum() >= 2:
        first, second = (
            sign * bootstrap_medians(v[:, seeds], seed, draws) for sign, v in zip(signs, (x, y), strict=True)
        )
        share[~thin] = np.where(np.isfinite(x).any(axis=1), on_front(first, second).mean(axis=0), np.nan)
    return share
