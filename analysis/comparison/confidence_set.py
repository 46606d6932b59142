"""Which configurations of a contest may be its best, at a stated confidence. Only replicate trials take part."""

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from uncollapse.analysis.comparison.configurations import Contest, by_seed, configurations, contests
from uncollapse.analysis.comparison.ranking import contest_rows
from uncollapse.analysis.statistics.intervals import LEVEL, Array
from uncollapse.analysis.tables import UNIT

_COLUMNS = ["scope", "contest", *UNIT, "rank", "nll", "seeds", "p", "beaten_by", "may_be_best", "needed", "note"]


def confidence_set(judged: pd.DataFrame, table: pd.DataFrame | None = None, level: float = LEVEL) -> pd.DataFrame:
    """The configurations of every contest that may be its best: no other has a lower nll on most seeds.

    A configuration leaves the set if some other is better on so many of their shared seeds that the one-sided sign
    test, times the number of others (Bonferroni), falls below 1 - level. A configuration that no other beats on more
    than half of all seeds so stays with at least `level`, whatever the seeds' law and however configurations
    depend on one another; seeds have to be independent. Equal values on a seed say nothing. Sets that split the
    seeds to choose the strongest rival first (Kim & Ramdas 2025, arXiv 2503.21639) pay less for many rivals and half of
    the seeds; with rivals few and seeds few this one is smaller.

    Columns: `p`, the adjusted p of the rival `beaten_by` that speaks most against it; `may_be_best`; `seeds` of its
    own; `needed`, shared seeds below which no test can tell any of so many apart; a `note` where there is no contest.

    Args:
        table: the study's `comparison.configurations`, where they are computed already.
    """
    known = configurations(judged) if table is None else table
    values = by_seed(judged, "nll")
    rows = [row for contest in contests(known) for row in _rows(contest, values, known, level)]
    return pd.DataFrame(rows, columns=_COLUMNS)


def _rows(contest: Contest, values: pd.DataFrame, table: pd.DataFrame, level: float) -> list[dict[str, Any]]:
    rows = contest_rows(contest, table)
    if len(rows) == 1:
        return [row | {"note": "no other to compare with"} for row in rows]
    found = beaten(values.loc[contest.units].to_numpy(dtype=float))
    worst = found.argmin(axis=1)
    return [
        row
        | {
            "p": float(found[at, worst[at]]),
            "beaten_by": contest.units[worst[at]][0 if contest.scope == "families" else 1],
            "may_be_best": bool(found[at, worst[at]] > 1 - level),
            "needed": seeds_needed(len(rows), level),
        }
        for at, row in enumerate(rows)
    ]


def beaten(figures: Array) -> Array:
    """The adjusted p of every column's claim to be lower than every row: (configurations, configurations).

    P(Bin(n, 1/2) >= wins) of the n shared seeds that are not ties, times the number of others, at most 1; 1 against
    itself.

    Args:
        figures: (configurations, seeds); NaN where a seed has none.
    """
    mine, theirs = figures[:, None, :], figures[None, :, :]
    wins, losses = (theirs < mine).sum(axis=2), (theirs > mine).sum(axis=2)
    p = stats.binom.sf(wins - 1, wins + losses, 0.5) * (len(figures) - 1)
    np.fill_diagonal(p, 1.0)
    return np.asarray(np.minimum(p, 1.0))


def seeds_needed(many: int, level: float = LEVEL) -> int:
    """Shared seeds with which one of so many can be shown to be beaten, if it loses on each of them."""
    return int(np.floor(np.log2((many - 1) / (1 - level)))) + 1
