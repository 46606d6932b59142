"""Intervals for shares, medians and rank correlations."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

Array = npt.NDArray[np.float64]
LEVEL = 0.95


class Interval(NamedTuple):
    """Lower and upper end; floats for scalars, arrays for arrays."""

    low: Array
    high: Array


def wilson(k: npt.ArrayLike, n: npt.ArrayLike, level: float = LEVEL) -> Interval:
    """Wilson's score interval for k of n; (0, 1) where n = 0. k may be fractional (a mean of shares times n)."""
    k, n = _counts(k, n)
    z = stats.norm.ppf(0.5 + level / 2)
    safe = np.maximum(n, 1)
    share = k / safe
    centre = (share + z**2 / (2 * safe)) / (1 + z**2 / safe)
    half = z / (1 + z**2 / safe) * np.sqrt(share * (1 - share) / safe + z**2 / (4 * safe**2))
    low = np.where((n == 0) | (k == 0), 0.0, centre - half)
    high = np.where((n == 0) | (k == n), 1.0, centre + half)
    return Interval(np.clip(low, 0, 1)[()], np.clip(high, 0, 1)[()])


def proportion(k: npt.ArrayLike, n: npt.ArrayLike, level: float = LEVEL) -> Interval:
    """Wilson's interval, and of 0 and of n the exact one-sided bound: 1 - (1 - level)^(1/n) and its complement.

    At 0 of 3 Wilson's upper end is 0.56, a share that gives 0 of 3 in 8 % of studies; the exact bound is 0.63.
    """
    k, n = _counts(k, n)
    rest = (1 - level) ** (1 / np.maximum(n, 1))
    low, high = wilson(k, n, level)
    return Interval(
        np.where((k == n) & (n > 0), rest, low)[()],
        np.where((k == 0) & (n > 0), 1 - rest, high)[()],
    )


def jeffreys(k: npt.ArrayLike, n: npt.ArrayLike, level: float = LEVEL) -> Interval:
    """Equal-tailed Beta(k + 1/2, n - k + 1/2) interval; its end is 0 at k = 0 and 1 at k = n."""
    k, n = _counts(k, n)
    tail = (1 - level) / 2
    low = np.where(k == 0, 0.0, stats.beta.ppf(tail, k + 0.5, n - k + 0.5))
    high = np.where(k == n, 1.0, stats.beta.ppf(1 - tail, k + 0.5, n - k + 0.5))
    return Interval(low[()], high[()])


def share_below(k: npt.ArrayLike, n: npt.ArrayLike, limit: npt.ArrayLike) -> Array:
    """The probability that a share of which k of n were seen is below a limit: Jeffreys' Beta(k + 1/2, n - k + 1/2)."""
    k, n = _counts(k, n)
    return np.asarray(stats.beta.cdf(limit, k + 0.5, n - k + 0.5))[()]


def _counts(k: npt.ArrayLike, n: npt.ArrayLike) -> tuple[Array, Array]:
    successes, trials = np.asarray(k, dtype=float), np.asarray(n, dtype=float)
    if not np.all((successes >= 0) & (successes <= trials)):
        raise ValueError(f"A share needs 0 <= k <= n; got k = {successes} of n = {trials}.")
    return successes, trials


def mean_interval(values: npt.ArrayLike, level: float = LEVEL) -> Interval:
    """Student's interval of a mean; NaN ends below two values."""
    found = np.asarray(values, dtype=float)
    n = len(found)
    if n < 2:
        return _nothing()
    half = stats.t.ppf(0.5 + level / 2, n - 1) * found.std(ddof=1) / np.sqrt(n)
    return Interval(found.mean() - half, found.mean() + half)


def row_spearman(first: npt.ArrayLike, second: npt.ArrayLike) -> Array:
    """Spearman's rank correlation (mid-ranks) of each row with its counterpart; NaN where either does not vary."""
    a, b = (stats.rankdata(np.asarray(v, dtype=float), axis=1) for v in (first, second))
    a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
    scale = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    return np.asarray((a * b).sum(axis=1) / np.where(scale > 0, scale, np.nan))


def bootstrap_spearman(
    x: npt.ArrayLike, y: npt.ArrayLike, level: float = LEVEL, seed: int = 0, draws: int = 500
) -> Interval:
    """Percentile bootstrap interval of Spearman's rank correlation over pairs; NaN ends below 5 pairs or for ties only.

    Each resample is ranked anew (mid-ranks); resamples in which x or y is constant say nothing and are left out.
    """
    first, second = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if len(first) < 5 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return _nothing()
    picks = np.random.default_rng(seed).integers(len(first), size=(draws, len(first)))
    found = row_spearman(first[picks], second[picks])
    return _percentiles(found[~np.isnan(found)], level)


def _percentiles(values: Array, level: float) -> Interval:
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Interval(low, high)


def _nothing() -> Interval:
    return Interval(np.asarray(np.nan)[()], np.asarray(np.nan)[()])
