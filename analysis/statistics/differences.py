"""Intervals and exact tests for the difference of two: medians and shares, paired or not."""

import numpy as np
import numpy.typing as npt
from scipy import stats

from uncollapse.analysis.statistics.intervals import LEVEL, Array, Interval, wilson
from uncollapse.analysis.statistics.medians import FEWEST


def difference_of_medians(
    x: npt.ArrayLike, y: npt.ArrayLike, level: float = LEVEL, seed: int = 0, draws: int = 2000
) -> Interval:
    """Percentile bootstrap interval for the median of x minus that of y, of independent samples; both are resampled.

    Simulated coverage at 95 %: 94 to 98 % at 5 to 15 values under normal, exponential, t and mixed laws of equal
    spread. Where one side varies far less than the other it falls to what one sample's bootstrap gives, 90 % at 7 and
    94 % at 5, 8 and 10. NaN below five values on either side.
    """
    first, second = (np.asarray(v, dtype=float) for v in (x, y))
    if min(len(first), len(second)) < FEWEST:
        return Interval(np.asarray(np.nan)[()], np.asarray(np.nan)[()])
    rng = np.random.default_rng(seed)
    medians = [np.median(v[rng.integers(len(v), size=(draws, len(v)))], axis=1) for v in (first, second)]
    return Interval(*np.quantile(medians[0] - medians[1], [(1 - level) / 2, (1 + level) / 2]))


def mcnemar(only_a: npt.ArrayLike, only_b: npt.ArrayLike) -> Array:
    """Exact two-sided p of McNemar's test: min(1, 2 P(Bin(only_a + only_b, 1/2) <= the smaller))."""
    first, second = np.asarray(only_a), np.asarray(only_b)
    return np.minimum(1.0, 2 * stats.binom.cdf(np.minimum(first, second), first + second, 0.5))


def holm(p: npt.ArrayLike) -> Array:
    """Holm's step-down adjustment; NaN are no test and stay NaN."""
    values = np.asarray(p, dtype=float)
    adjusted, known = np.full(len(values), np.nan), np.flatnonzero(~np.isnan(values))
    order = known[np.argsort(values[known], kind="stable")]
    steps = values[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps)) if len(order) else []
    return adjusted


def paired_shares(
    both: npt.ArrayLike, only_a: npt.ArrayLike, only_b: npt.ArrayLike, neither: npt.ArrayLike, level: float = LEVEL
) -> Interval:
    """Interval for the difference of two shares on the same seeds: Newcombe (1998), method 10.

    Wilson's ends of either share, combined under their correlation phi, whose numerator is corrected for continuity
    (Statistics in Medicine 17, 2635-2650).
    Exact coverage, averaged over shares and correlations, is 96 to 97 % at 5 to 20 seeds (nominal 95 %), where Tango's
    score interval has 97 to 99 % and is wider. NaN without seeds.
    """
    a, b, c, d = (np.asarray(v, dtype=float) for v in (both, only_a, only_b, neither))
    n = a + b + c + d
    some = np.maximum(n, 1)
    first, second = (a + b) / some, (a + c) / some
    (low1, high1), (low2, high2) = wilson(a + b, n, level), wilson(a + c, n, level)
    cross, product = a * d - b * c, (a + b) * (c + d) * (a + c) * (b + d)
    cross = np.where(cross > 0, np.maximum(cross - n / 2, 0), cross)
    phi = np.where(product > 0, cross / np.sqrt(np.where(product > 0, product, 1)), 0.0)
    down, up = _newcombe(first - low1, high2 - second, phi), _newcombe(high1 - first, second - low2, phi)
    low, high = first - second - down, first - second + up
    return Interval(np.where(n > 0, low, np.nan)[()], np.where(n > 0, high, np.nan)[()])


def unpaired_shares(
    k_a: npt.ArrayLike, n_a: npt.ArrayLike, k_b: npt.ArrayLike, n_b: npt.ArrayLike, level: float = LEVEL
) -> Interval:
    """Interval for the difference of two independent shares: Newcombe (1998), method 10.

    Wilson's ends of either share, combined as independent (Statistics in Medicine 17, 873-890). NaN
    where either has no seeds.
    """
    n, m = np.asarray(n_a, dtype=float), np.asarray(n_b, dtype=float)
    first, second = np.asarray(k_a) / np.maximum(n, 1), np.asarray(k_b) / np.maximum(m, 1)
    (low1, high1), (low2, high2) = wilson(k_a, n, level), wilson(k_b, m, level)
    low = first - second - np.hypot(first - low1, high2 - second)
    high = first - second + np.hypot(high1 - first, second - low2)
    some = (n > 0) & (m > 0)
    return Interval(np.where(some, low, np.nan)[()], np.where(some, high, np.nan)[()])


def _newcombe(x: Array, y: Array, phi: Array) -> Array:
    return np.sqrt(np.maximum(0.0, x**2 - 2 * phi * x * y + y**2))
