"""Differences between configurations that share their confirmation seeds: medians, and how often each collapses.

Every difference is a - b on the same seed. Only replicate trials take part.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from uncollapse.analysis.comparison.configurations import best, by_seed, configurations
from uncollapse.analysis.counted import counted
from uncollapse.analysis.statistics.differences import holm, mcnemar, paired_shares
from uncollapse.analysis.statistics.intervals import LEVEL, Array
from uncollapse.analysis.statistics.medians import median_interval, row_medians
from uncollapse.analysis.tables import UNIT

MEASURES = ("nll", "mi", "hoyer_mean", "latent_gain")
MOST = 20
FEW = "too few shared seeds for an interval of a median"
NAMES = ["scope", "family_a", "configuration_a", "family_b", "configuration_b"]
_DIFFERENCES = [
    *NAMES,
    "measure",
    "estimator",
    "seeds",
    "planned",
    "median",
    "low",
    "high",
    "level",
    "least",
    "most",
    "note",
]
_COLLAPSES = [
    *NAMES,
    "seeds",
    "planned",
    "both",
    "only_a",
    "only_b",
    "neither",
    "difference",
    "low",
    "high",
    "p",
    "p_holm",
    "note",
]


def differences(
    judged: pd.DataFrame,
    table: pd.DataFrame | None = None,
    measures: Sequence[str] = MEASURES,
    level: float = LEVEL,
    top: int = MOST,
) -> pd.DataFrame:
    """The median over shared confirmation seeds of a - b, for every two families and every two configurations of one.

    A row per pair and measure. scope "families": best configurations, which are chosen on the same seeds, so that each
    is flattered a little. scope "configurations": of one family, its first `top` by rank. `seeds` of `planned` have
    both figures; `median`, `low`, `high` and `level` as in `median_interval`; `least` and `most` are the extreme paired
    differences. Two likelihoods are subtracted only where they have the same estimator; the `note` says where not.
    nll in nats per sentence, mi and latent_gain in nats, Hoyer 0 to 1. The rows are many and not adjusted for it: of
    twenty equal pairs one interval leaves out 0 by chance.

    Args:
        table: the study's `comparison.configurations`, where they are computed already.
    """
    known = configurations(judged) if table is None else table
    pairs = _pairs(known, top)
    tables = [_differences(judged, pairs, name, level) for name in measures] if len(pairs) else []
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=_DIFFERENCES)


def _pairs(table: pd.DataFrame, top: int) -> pd.DataFrame:
    first = best(table)
    rows = itertools.combinations(first.to_dict("records"), 2)
    found = [{"scope": "families", "note": ""} | _named(a, b) for a, b in rows]
    for _, group in table[table["rank"].notna()].groupby("family", sort=False):
        note = (
            f"only the first {top} of {counted(len(group), 'configuration')} are compared" if len(group) > top else ""
        )
        rows = itertools.combinations(group[:top].to_dict("records"), 2)
        found += [{"scope": "configurations"} | _named(a, b) | {"note": note} for a, b in rows]
    return pd.DataFrame(found, columns=[*NAMES, "estimator_a", "estimator_b", "note"])


def _named(a: dict[Any, Any], b: dict[Any, Any]) -> dict[str, Any]:
    names = {f"{key}_{side}": row[key] for side, row in (("a", a), ("b", b)) for key in UNIT}
    return names | {"estimator_a": a["nll_estimator"], "estimator_b": b["nll_estimator"]}


def _sides(judged: pd.DataFrame, pairs: pd.DataFrame, measure: str) -> tuple[Array, Array, Array, list[Any]]:
    """Both sides of every pair, a column per seed; where either is planned; and the seeds."""
    values = by_seed(judged, measure)
    replicates = judged[judged["stage"] == "replicate"]
    planned = replicates.groupby([*UNIT, "seed"]).size().unstack("seed").reindex(values.index, columns=values.columns)
    at = [values.index.get_indexer(pd.MultiIndex.from_frame(pairs[[f"{key}_{s}" for key in UNIT]])) for s in "ab"]
    figures, there = values.to_numpy(dtype=float), planned.notna().to_numpy()
    return figures[at[0]], figures[at[1]], there[at[0]] | there[at[1]], list(values.columns)


def _differences(judged: pd.DataFrame, pairs: pd.DataFrame, measure: str, level: float) -> pd.DataFrame:
    a, b, planned, seeds = _sides(judged, pairs, measure)
    apart = a - b
    other = (
        (pairs["estimator_a"] != pairs["estimator_b"]).to_numpy() if measure == "nll" else np.zeros(len(pairs), bool)
    )
    apart[other] = np.nan
    low, high, reached = median_interval(apart, level)
    notes = [
        _join(note, f"{one} and {two} are not the same figure" if o else _missing(seeds, known, plan))
        for note, one, two, o, known, plan in zip(
            pairs["note"], pairs["estimator_a"], pairs["estimator_b"], other, np.isfinite(apart), planned, strict=True
        )
    ]
    return pairs.assign(
        measure=measure,
        estimator=pairs["estimator_a"].where(~other, "") if measure == "nll" else "",
        seeds=np.isfinite(apart).sum(axis=1),
        planned=planned.sum(axis=1),
        median=row_medians(apart),
        low=low,
        high=high,
        level=reached,
        least=np.fmin.reduce(apart, axis=1),
        most=np.fmax.reduce(apart, axis=1),
        note=notes,
    )[_DIFFERENCES]


def _missing(seeds: Sequence[Any], known: npt.NDArray[np.bool_], planned: npt.NDArray[np.bool_]) -> str:
    """Which planned seeds a pair does not share, and whether too few are left for an interval."""
    lost = [str(seeds[i]) for i in np.flatnonzero(planned & ~known).tolist()]
    if not known.any():
        return "no shared seed has both figures"
    few = FEW if known.sum() < 5 else ""
    more = f" and {len(lost) - 5} more" if len(lost) > 5 else ""
    return _join(few, f"without seed {', '.join(lost[:5])}{more}" if lost else "")


def _join(*notes: str) -> str:
    return "; ".join(note for note in notes if note)


def collapse_test(
    judged: pd.DataFrame, table: pd.DataFrame | None = None, level: float = LEVEL, top: int = MOST
) -> pd.DataFrame:
    """Whether a collapses more often than b on the same confirmation seeds: McNemar's exact test.

    The pairs are those of `differences`. Of `seeds` with both verdicts `both`, `only_a`, `only_b` or `neither`
    collapsed. `p` is the two-sided binomial test of only_a against only_b at 1/2 (McNemar 1947, exact form): 1 where no
    seed tells them apart. `p_holm` is adjusted by Holm (1979) over the rows of its scope. `difference` is the share of
    a minus the share of b with the interval of `paired_shares`. n discordant seeds cannot give a p below 2^(1-n): with
    few seeds and many pairs nothing can be found, so read the interval.
    """
    known = configurations(judged) if table is None else table
    pairs = _pairs(known, top)
    if pairs.empty:
        return pd.DataFrame(columns=_COLLAPSES)
    a, b, planned, seeds = _sides(judged, pairs, "collapsed")
    shared = np.isfinite(a) & np.isfinite(b)
    counts = [(shared & (a == i) & (b == j)).sum(axis=1) for i, j in ((1, 1), (1, 0), (0, 1), (0, 0))]
    low, high = paired_shares(counts[0], counts[1], counts[2], counts[3], level)
    n = shared.sum(axis=1)
    table = pairs.assign(**dict(zip(("both", "only_a", "only_b", "neither"), counts, strict=True)), low=low, high=high)
    table = table.assign(seeds=n, planned=planned.sum(axis=1), p=np.where(n > 0, mcnemar(counts[1], counts[2]), np.nan))
    table["difference"] = np.where(n > 0, (counts[1] - counts[2]) / np.maximum(n, 1), np.nan)
    table["p_holm"] = table.groupby("scope")["p"].transform(holm)
    table["note"] = [
        _join(note, _unjudged(_missing(seeds, s, p))) for note, s, p in zip(table["note"], shared, planned, strict=True)
    ]
    return table[_COLLAPSES]


def _unjudged(note: str) -> str:
    return note.replace("both figures", "a verdict of both").replace(
        "too few shared seeds for an interval of a median", ""
    )
