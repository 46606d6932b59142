"""Intervals and exact tests for a difference of two, against SciPy, enumeration and simulation."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from uncollapse.analysis.statistics import differences, medians
from uncollapse.analysis.statistics.intervals import wilson

Draw = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]


def _two_modes(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Seeds of which a quarter collapse to a worse figure."""
    return np.where(rng.random(size) < 0.25, rng.normal(4, 1, size), rng.normal(0, 0.5, size))


def _median_of_two_modes() -> float:
    grid = np.linspace(-3, 3, 60_001)
    below = 0.25 * stats.norm.cdf(grid, 4, 1) + 0.75 * stats.norm.cdf(grid, 0, 0.5)
    return float(grid[np.searchsorted(below, 0.5)])


LAWS: dict[str, tuple[Draw, float]] = {
    "normal": (lambda rng, size: rng.normal(size=size), 0.0),
    "exponential": (lambda rng, size: rng.exponential(size=size), float(np.log(2))),
    "heavy tails": (lambda rng, size: rng.standard_t(2, size=size), 0.0),
    "two modes": (_two_modes, _median_of_two_modes()),
}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("n", [5, 6, 7, 8, 10, 15, 20])
def test_the_interval_of_a_median_covers_at_its_level(n: int, law: str) -> None:
    """2,000 samples; nominal within 2 points and 3 standard errors (0.5 points each)."""
    draw, truth = LAWS[law]
    low, high, level = medians.median_interval(draw(np.random.default_rng(n), (2000, n)))
    covered = ((low <= truth) & (truth <= high)).mean()
    assert covered == pytest.approx(level[0], abs=0.02 + 3 * np.sqrt(0.95 * 0.05 / 2000))
    assert level[0] == (0.9375 if n == 5 else 0.95)


@pytest.mark.parametrize(("n", "k"), [(6, 1), (8, 1), (9, 2), (12, 3), (20, 6), (31, 10)])
def test_at_its_own_level_it_is_the_sign_tests_interval(n: int, k: int) -> None:
    values = np.random.default_rng(n).normal(size=n)
    level = 1 - 2 * stats.binom.cdf(k - 1, n, 0.5)
    low, high, _ = medians.median_interval(values, level)
    ordered = np.sort(values)
    assert (low[0], high[0]) == pytest.approx((ordered[k - 1], ordered[n - k]))


def test_the_interval_leaves_out_nan_and_needs_five_values() -> None:
    rows = np.array(
        [
            [1.0, 2, 3, 4, 5, 6, np.nan],
            [1, 2, 3, 4, np.nan, np.nan, np.nan],
            [np.nan] * 7,
            [5, 4, 3, 2, 1, np.nan, np.nan],
        ]
    )
    low, high, level = medians.median_interval(rows)
    alone = medians.median_interval(rows[0, :6])
    assert (low[0], high[0]) == (alone.low[0], alone.high[0])
    assert np.isnan(low[1:3]).all()
    assert np.isnan(high[1:3]).all()
    assert (low[3], high[3], level[3]) == (1, 5, 0.9375)


def test_row_medians_are_numpys_without_nan() -> None:
    values = np.random.default_rng(1).normal(size=(50, 9))
    values[np.random.default_rng(2).random(values.shape) < 0.3] = np.nan
    values[7] = np.nan
    known = np.isfinite(values).any(axis=1)
    assert np.isnan(medians.row_medians(values)[7])
    assert medians.row_medians(values)[known] == pytest.approx(np.nanmedian(values[known], axis=1))


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize(("n", "m"), [(5, 5), (5, 10), (10, 10)])
@pytest.mark.slow
def test_the_interval_of_two_medians_covers(n: int, m: int, law: str) -> None:
    """2,000 pairs of samples; nominal within 2 points and 3 standard errors (0.5 points each)."""
    draw, _ = LAWS[law]
    rng = np.random.default_rng(100 * n + m)
    pairs = zip(draw(rng, (2000, n)), draw(rng, (2000, m)), strict=True)
    ends = [differences.difference_of_medians(x, y, seed=i, draws=400) for i, (x, y) in enumerate(pairs)]
    covered = np.mean([low <= 0 <= high for low, high in ends])
    assert covered == pytest.approx(0.95, abs=0.02 + 3 * np.sqrt(0.95 * 0.05 / 2000))


def test_two_medians_need_five_values_each_and_are_reproducible() -> None:
    x, y = np.arange(5.0), np.arange(6.0)
    assert np.isnan(differences.difference_of_medians(x[:4], y)).all()
    assert differences.difference_of_medians(x, y, seed=3) == differences.difference_of_medians(x, y, seed=3)


@pytest.mark.parametrize(("b", "c"), [(0, 0), (1, 0), (0, 5), (3, 3), (2, 9), (7, 1)])
def test_mcnemar_is_scipys_binomial_test(b: int, c: int) -> None:
    oracle = stats.binomtest(b, b + c).pvalue if b + c else 1.0
    assert differences.mcnemar(b, c) == pytest.approx(oracle)


def test_mcnemar_rejects_no_more_often_than_its_level() -> None:
    """Exact rejection rate at 5 % under equal shares, for every number of discordant seeds to 30."""
    for n in range(1, 31):
        b = np.arange(n + 1)
        assert stats.binom.pmf(b, n, 0.5)[differences.mcnemar(b, n - b) <= 0.05].sum() <= 0.05


def test_holm_is_the_textbooks_and_skips_what_was_not_tested() -> None:
    adjusted = differences.holm([0.01, np.nan, 0.04, 0.03, 0.005])
    assert adjusted == pytest.approx([0.03, np.nan, 0.06, 0.06, 0.02], nan_ok=True)
    assert np.isnan(differences.holm([np.nan])).all()
    assert len(differences.holm([])) == 0


def test_paired_shares_are_newcombes_published_example() -> None:
    """Newcombe (1998), table III, method 10, for cells 36, 12, 2, 0: 0.2 with 0.0569 to 0.3404."""
    assert differences.paired_shares(36, 12, 2, 0) == pytest.approx((0.0569, 0.3404), abs=5e-4)


def test_unpaired_shares_are_newcombes_published_example() -> None:
    """Newcombe (1998), table II: 56/70 - 48/80 is 0.2 with 0.0524 to 0.3339."""
    assert differences.unpaired_shares(56, 70, 48, 80) == pytest.approx((0.0524, 0.3339), abs=5e-5)


@pytest.mark.parametrize("n", [5, 6, 8, 10, 15])
def test_paired_shares_cover_on_average(n: int) -> None:
    """Exact coverage over the multinomial law, averaged over shares and correlations: nominal within 2 points."""
    cells = np.array([c for c in itertools.product(range(n + 1), repeat=4) if sum(c) == n])
    low, high = differences.paired_shares(*cells.T)
    coverage = []
    for p, q, rho in itertools.product((0.1, 0.3, 0.5, 0.7), (0.1, 0.3, 0.5, 0.7, 0.9), (0.0, 0.3)):
        both = min(p * q + rho * np.sqrt(p * (1 - p) * q * (1 - q)), p, q)
        chances = np.clip([both, p - both, q - both, 1 - p - q + both], 0, 1)
        weight = stats.multinomial.pmf(cells, n, chances / chances.sum())
        truth = (chances[1] - chances[2]) / chances.sum()
        coverage.append(weight[(low <= truth + 1e-9) & (truth - 1e-9 <= high)].sum())
    assert np.mean(coverage) == pytest.approx(0.96, abs=0.01)
    assert min(coverage) > 0.88


def test_shares_that_are_all_or_none_keep_an_interval_and_no_seeds_have_none() -> None:
    low, high = differences.paired_shares([0, 10, 0], [0, 0, 0], [0, 0, 0], [10, 0, 0])
    assert low[:2] == pytest.approx(-high[:2])
    assert (high[:2] > 0.2).all()
    assert np.isnan([low[2], high[2]]).all()
    assert np.isnan(differences.unpaired_shares(0, 0, 1, 5)).all()


def test_an_unpaired_share_against_certainty_is_wilsons() -> None:
    low, high = differences.unpaired_shares(3, 10, 0, 10**9)
    assert (low, high) == pytest.approx(tuple(wilson(3, 10)), abs=1e-4)
