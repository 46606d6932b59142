"""Whether seeds agree on the order of configurations by nll. Only replicate trials take part."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from uncollapse.analysis.comparison.configurations import Contest, by_seed, configurations, contests
from uncollapse.analysis.comparison.ranking import BOOTSTRAPS, contest_rows, share_lowest
from uncollapse.analysis.statistics.intervals import LEVEL, Array, proportion
from uncollapse.analysis.tables import UNIT

_STABILITY = ["scope", "contest", "configurations", "seeds", "kendall_w", "mean_rho", "p", "note"]
_FIRSTS = ["scope", "contest", *UNIT, "rank", "seeds", "first", "share", "low", "high", "mean_rank", "note"]


class Agreement(NamedTuple):
    """Kendall's W, the mean Spearman correlation of two seeds' orders, and the permutation p of W."""

    w: float
    rho: float
    p: float


def kendall(figures: npt.ArrayLike, seed: int = 0, draws: int = BOOTSTRAPS) -> Agreement:
    """Agreement of the columns (seeds) on the order of the rows (configurations), with mid-ranks for ties.

    W = 12 S / (m^2 (n^3 - n) - m sum(t^3 - t)) for m seeds, n configurations, S the spread of the rank sums and t the
    sizes of ties within a seed (Kendall & Gibbons 1990, ch. 6); 1 is one order, and about 1/m is expected of none.
    rho = (m W - 1) / (m - 1), 0 is expected of none. p: every seed's order shuffled on its own. NaN where m or n is
    below 2 or every seed ties all.
    """
    table = np.asarray(figures, dtype=float)
    n, m = table.shape if table.ndim == 2 else (0, 0)
    if min(n, m) < 2:
        return Agreement(np.nan, np.nan, np.nan)
    ranks = stats.rankdata(table, axis=0).T
    ties = sum(float((t**3 - t).sum()) for row in ranks for t in [np.unique(row, return_counts=True)[1]])
    most = m**2 * (n**3 - n) - m * ties
    if most <= 0:
        return Agreement(np.nan, np.nan, np.nan)
    spread = _spread_of_sums(ranks[None])[0]
    w = float(12 * spread / most)
    rng, step = np.random.default_rng(seed), max(1, 1_000_000 // ranks.size)
    sizes = [min(step, draws - done) for done in range(0, draws, step)]
    chance = [_spread_of_sums(rng.permuted(np.repeat(ranks[None], size, axis=0), axis=2)) for size in sizes]
    above = int((np.concatenate(chance) >= spread - 1e-9).sum())
    return Agreement(w, (m * w - 1) / (m - 1), (1 + above) / (1 + draws))


def _spread_of_sums(ranks: Array) -> Array:
    sums = ranks.sum(axis=1)
    return np.asarray(((sums - sums.mean(axis=1, keepdims=True)) ** 2).sum(axis=1))


def stability(judged: pd.DataFrame, table: pd.DataFrame | None = None, seed: int = 0) -> pd.DataFrame:
    """Whether seeds agree on the order of nll: Kendall's W of every contest over the seeds that all of it finished.

    Columns as in `kendall` (kendall_w, mean_rho, p) with the number of configurations and seeds used, and a `note`.
    """
    known = configurations(judged) if table is None else table
    values = by_seed(judged, "nll")
    rows = []
    for contest in contests(known):
        figures = values.loc[contest.units].dropna(axis=1).to_numpy(dtype=float)
        found = kendall(figures, seed)
        row = {
            "scope": contest.scope,
            "contest": contest.name,
            "configurations": len(figures),
            "seeds": figures.shape[1],
        }
        row |= {"kendall_w": found.w, "mean_rho": found.rho, "p": found.p, "note": _why_none(figures, found)}
        rows.append(row)
    return pd.DataFrame(rows, columns=_STABILITY)


def _why_none(figures: Array, found: Agreement) -> str:
    if not np.isnan(found.w):
        return ""
    if len(figures) < 2:
        return "one configuration has no order"
    return "fewer than two seeds have every figure" if figures.shape[1] < 2 else "every seed ties all configurations"


def first_places(judged: pd.DataFrame, table: pd.DataFrame | None = None, level: float = LEVEL) -> pd.DataFrame:
    """How often each configuration is first on one seed alone, over the seeds that all of its contest finished.

    `first` of `seeds` (ties share), `share` with Wilson's interval (`low`, `high`), and the mean of its ranks.
    """
    known = configurations(judged) if table is None else table
    values = by_seed(judged, "nll")
    rows = [row for contest in contests(known) for row in _firsts(contest, values, known, level)]
    return pd.DataFrame(rows, columns=_FIRSTS)


def _firsts(contest: Contest, values: pd.DataFrame, table: pd.DataFrame, level: float) -> list[dict[str, Any]]:
    figures = values.loc[contest.units].dropna(axis=1).to_numpy(dtype=float)
    rows, seeds = contest_rows(contest, table), figures.shape[1]
    if not seeds:
        return [row | {"seeds": 0, "note": "no seed has every figure"} for row in rows]
    share, means = share_lowest(figures.T), stats.rankdata(figures, axis=0).mean(axis=1)
    low, high = proportion(np.minimum(share * seeds, seeds), np.full(len(share), seeds), level)
    columns = zip(rows, share, low, high, means, strict=True)
    return [
        row | {"seeds": seeds, "first": s * seeds, "share": s, "low": a, "high": b, "mean_rank": r}
        for row, s, a, b, r in columns
    ]
