"""How alike two seeds' codes are, once their dimensions are matched. N sentences; C components.

The dimensions of a code have no order and no sign: a second seed may learn the same code with both changed. So the
dimensions of two seeds are paired first, by the assignment that makes the sum of absolute correlations over the same
sentences largest. That search finds something in noise too, more the larger C and the smaller N. Agreement is therefore
read against chance: the same search after the sentences of one side are shuffled, which leaves each code as it is and
breaks only what the two have in common.
"""

from collections.abc import Mapping
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats
from scipy.optimize import linear_sum_assignment

from uncollapse.analysis.sparsity.codes import Code, Mask, active, of_seeds
from uncollapse.analysis.statistics.intervals import LEVEL, Array, Interval
from uncollapse.analysis.tables import stacked

SHUFFLES = 20  # a configuration, at least
MEASURES = {
    "correlation": "mean absolute correlation of matched dimensions",
    "active": "overlap of the active dimensions",
    "on": "overlap of the dimensions that are on, per sentence",
}
COLUMNS = ["family", "configuration", "measure", "seeds", "pairs", "observed", "chance", "index", "low", "high", "note"]
_SMALLEST_STD = 1e-6
_HALF = 2.0**-10  # steps of a half, relative to its size: no variation finer than this is kept

Indices = npt.NDArray[np.intp]


class Match(NamedTuple):
    """The assignment: dimension `left[i]` of the first code belongs to `right[i]` of the second.

    correlation: signed correlation of each pair; 0 where one of the two does not vary.
    alive: dimensions that vary, of the code that has more of them.
    """

    left: Indices
    right: Indices
    correlation: Array
    alive: int

    def mean(self) -> float:
        """Sum of |correlation| / `alive`: dimensions dead in both say nothing, those dead in one count as 0."""
        return float(np.abs(self.correlation).sum() / self.alive) if self.alive else np.nan


class _Standard(NamedTuple):
    rows: Array
    alive: int


def match(a: npt.ArrayLike, b: npt.ArrayLike) -> Match:
    """Pair the dimensions of (N, C) with those of (N, C') one to one, min(C, C') pairs, on absolute correlations.

    A dimension without variance has correlation 0 with all others. ValueError for different or fewer than 2 sentences.
    """
    first, second = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if first.ndim != 2 or second.ndim != 2 or len(first) != len(second) or len(first) < 2:
        raise ValueError(
            f"Codes are matched over the same two or more sentences; found shapes {first.shape} and {second.shape}; "
            "take codes with the same sentences_digest."
        )
    return _match(_standardise(first), _standardise(second))


def _standardise(values: Array) -> _Standard:
    """Columns of mean 0 and length 1; those that do not vary are 0."""
    centred = values - values.mean(axis=0)
    std = centred.std(axis=0)
    alive = std > np.maximum(_SMALLEST_STD, _HALF * np.abs(values).max(axis=0, initial=0))
    rows = np.where(alive, centred, 0.0) / np.where(alive, std * np.sqrt(len(values)), 1.0)
    return _Standard(rows, int(alive.sum()))


def _match(first: _Standard, second: _Standard) -> Match:
    correlation = first.rows.T @ second.rows
    left, right = linear_sum_assignment(np.abs(correlation), maximize=True)
    return Match(left, right, correlation[left, right], max(first.alive, second.alive))


def overlap(pairs: Match, first: Mask, second: Mask) -> float:
    """Jaccard overlap of two sets of dimensions after matching, (C,) or (N, C) rows averaged; two empty sets agree."""
    left, right = first[..., pairs.left], second[..., pairs.right]
    both = (left & right).sum(axis=-1)
    either = first.sum(axis=-1) + second.sum(axis=-1) - both
    return float(np.where(either > 0, both / np.maximum(either, 1), 1.0).mean())


def agreement(codes: Mapping[Any, Code], level: float = LEVEL, seed: int = 0) -> pd.DataFrame:
    """Agreement of all pairs of seeds of one configuration, a row per measure of `MEASURES`.

    `observed` is the mean over pairs of seeds; `chance` the mean after the sentences of one side are shuffled and its
    dimensions matched anew; `index` = (observed - chance) / (1 - chance) (the form of Cohen 1960, eq. 1): 1 for codes
    that differ in order and sign only, about 0 for unrelated ones. The interval is a jackknife over seeds, see
    `jackknife`. It speaks of fresh seeds of this configuration, over these sentences.
    Columns: `COLUMNS` without family and configuration. `on` is there for sparse codes only.
    """
    values = _pairs(codes, seed)
    rows = [_row(name, len(codes), values[name], level) for name in values]
    return pd.DataFrame(rows, columns=COLUMNS[2:])


def _pairs(codes: Mapping[Any, Code], seed: int) -> dict[str, Array]:
    """(2, n, n) of each measure: observed and chance of every pair of seeds; the diagonal is NaN."""
    held, n = list(codes.values()), len(codes)
    sparse = n > 0 and all(code.off is not None for code in held)
    found = {name: np.full((2, n, n), np.nan) for name in MEASURES if sparse or name != "on"}
    sides = [_Side.of(code, sparse) for code in held]
    rng = np.random.default_rng(seed)
    shuffles = -(-SHUFFLES // max(1, n * (n - 1) // 2))
    for i, j in combinations(range(n), 2):
        here = _compare(sides[i], sides[j])
        orders = [rng.permutation(len(held[j].means)) for _ in range(shuffles)]
        there = np.mean([_compare(sides[i], sides[j].shuffled(order)) for order in orders], axis=0)
        for k, name in enumerate(found):
            found[name][:, i, j] = found[name][:, j, i] = here[k], there[k]
    return found


class _Side(NamedTuple):
    means: _Standard
    active: Mask
    on: Mask | None

    @classmethod
    def of(cls, code: Code, sparse: bool) -> "_Side":
        on = code.off < 0.5 if sparse and code.off is not None else None
        return cls(_standardise(code.means), active(code.means), on)

    def shuffled(self, order: Indices) -> "_Side":
        rows = _Standard(self.means.rows[order], self.means.alive)
        return _Side(rows, self.active, None if self.on is None else self.on[order])


def _compare(first: _Side, second: _Side) -> tuple[float, ...]:
    pairs = _match(first.means, second.means)
    found = (pairs.mean(), overlap(pairs, first.active, second.active))
    return found if first.on is None or second.on is None else (*found, overlap(pairs, first.on, second.on))


def _row(name: str, seeds: int, values: Array, level: float) -> dict[str, Any]:
    row: dict[str, Any] = {"measure": name, "seeds": seeds, "pairs": seeds * (seeds - 1) // 2, "note": ""}
    known = values[:, ~np.eye(seeds, dtype=bool)]
    if seeds < 2:
        return row | {"note": "fewer than two seeds: no pair to compare"}
    if np.isnan(known).any():
        return row | {"note": "a code does not vary at all, so its dimensions cannot be matched"}
    observed, chance = known.mean(axis=1)
    row |= {"observed": observed, "chance": chance}
    if 1 - chance < 1e-9:
        return row | {"note": "shuffled codes agree in full: both sets are equal in size, or hold every dimension"}
    index = (observed - chance) / (1 - chance)
    # A pair's part in the index: the index is a ratio of two means, linearised for the jackknife.
    parts = ((values[0] - values[1]) - index * (1 - values[1])) / (1 - chance)
    low, high = jackknife(parts, level)
    note = "two seeds: one pair, so no interval" if seeds == 2 else ""
    return row | {"index": index, "low": float(index + low), "high": min(1.0, float(index + high)), "note": note}


def jackknife(pairs: Array, level: float = LEVEL) -> Interval:
    """Interval of the mean over all pairs of n seeds, (..., n, n) symmetric; NaN ends below 3 seeds.

    Pairs share seeds, so their number is no sample size. Leaving out one seed takes all its pairs along:
    var = (n - 1) / n sum_i (U_-i - U)^2 (Arvesen 1969, U-statistics), with Student's t on n - 1 degrees. It covers at
    its nominal rate where pairs differ because seeds do, and up to 99 % for 95 % where each pair is a law to itself.
    Where seeds are of very uneven quality it falls short with few: 88 % with three, 91 % with five, 94 % with ten.
    """
    n = pairs.shape[-1]
    if n < 3:
        nothing = np.full(pairs.shape[:-2], np.nan)[()]
        return Interval(nothing, nothing)
    rows = np.where(np.eye(n, dtype=bool), 0.0, pairs).sum(axis=-1) / (n - 1)
    mean = rows.mean(axis=-1)
    variance = (n - 1) / n * (2 / (n - 2)) ** 2 * ((rows - mean[..., None]) ** 2).sum(axis=-1)
    half = stats.t.ppf(0.5 + level / 2, n - 1) * np.sqrt(variance)
    return Interval(mean - half, mean + half)


def table(texts: Mapping[str, Mapping[str, str]], judged: pd.DataFrame, level: float = LEVEL) -> pd.DataFrame:
    """`agreement` of every replicated configuration whose trials left their codes; columns `COLUMNS`.

    Studies made before codes were kept give an empty table.
    """
    ended = judged[(judged["stage"] == "replicate") & (judged["state"] == "finished")]
    tables = []
    for (family, name), trials in ended.groupby(["family", "configuration"], sort=False):
        codes, left_out = of_seeds(texts, trials)
        if codes or left_out:
            found = agreement(codes, level).assign(family=family, configuration=name)
            notes = ["; ".join(filter(None, (note, left_out))) for note in found["note"]]
            tables.append(found.assign(note=notes)[COLUMNS])
    return stacked(tables, COLUMNS)
