"""Intervals against SciPy and against simulation."""

import math

import numpy as np
import pytest
from scipy import stats

from uncollapse.analysis.statistics.intervals import bootstrap_spearman, jeffreys, mean_interval, row_spearman, wilson

CASES = [(k, n) for n in (1, 2, 5, 10, 37) for k in range(n + 1)]


@pytest.mark.parametrize("level", [0.8, 0.95])
@pytest.mark.parametrize(("k", "n"), CASES)
def test_wilson_is_scipys(k: int, n: int, level: float) -> None:
    oracle = stats.binomtest(k, n).proportion_ci(level, method="wilson")
    assert wilson(k, n, level) == pytest.approx((oracle.low, oracle.high), abs=1e-12)


@pytest.mark.parametrize(("k", "n"), CASES)
def test_jeffreys_is_the_posterior_of_a_half_half_prior(k: int, n: int) -> None:
    low, high = jeffreys(k, n)
    posterior = stats.beta(k + 0.5, n - k + 0.5)
    assert low == (0 if k == 0 else pytest.approx(posterior.ppf(0.025)))
    assert high == (1 if k == n else pytest.approx(posterior.ppf(0.975)))


def test_arrays_and_scalars_agree_and_nothing_is_known_without_seeds() -> None:
    k, n = np.array([0, 3, 0]), np.array([10, 10, 0])
    low, high = wilson(k, n)
    assert (low[1], high[1]) == wilson(3, 10)
    assert (low[2], high[2]) == (0, 1)


def test_more_successes_than_trials_are_refused() -> None:
    with pytest.raises(ValueError, match="0 <= k <= n"):
        wilson(3, 2)


@pytest.mark.parametrize("p", [0.1, 0.3, 0.5])
def test_wilson_covers_on_average_over_n(p: float) -> None:
    """Exact coverage, summed over the binomial distribution and averaged over n: nominal within 2 points."""
    coverage = []
    for n in range(5, 41):
        k = np.arange(n + 1)
        low, high = wilson(k, np.full(n + 1, n))
        coverage.append(stats.binom.pmf(k, n, p)[(low <= p) & (p <= high)].sum())
    assert np.mean(coverage) == pytest.approx(0.95, abs=0.02)


@pytest.mark.slow
def test_the_rank_correlation_interval_covers() -> None:
    """2,000 samples of 40 normal pairs; rho_S = 6/pi asin(rho/2); tolerance 2 points and 3 standard errors."""
    rng = np.random.default_rng(4)
    truth = 6 / math.pi * math.asin(0.25)
    hits = 0
    for repetition in range(2000):
        x = rng.normal(size=40)
        y = 0.5 * x + math.sqrt(0.75) * rng.normal(size=40)
        low, high = bootstrap_spearman(x, y, seed=repetition, draws=300)
        hits += bool(low <= truth <= high)
    assert hits / 2000 == pytest.approx(0.95, abs=0.02 + 3 * math.sqrt(0.95 * 0.05 / 2000))


def test_bootstrap_is_reproducible_by_seed() -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 12))
    assert bootstrap_spearman(x, y, seed=5) == bootstrap_spearman(x, y, seed=5)
    assert bootstrap_spearman(x, y, seed=5, draws=15) != bootstrap_spearman(x, y, seed=6, draws=15)


def test_too_little_data_gives_no_interval() -> None:
    assert np.isnan(bootstrap_spearman([1, 2, 3, 4], [1, 2, 3, 4])).all()
    assert np.isnan(bootstrap_spearman([1] * 9, range(9))).all()


def test_ties_of_a_binary_outcome_are_handled() -> None:
    low, high = bootstrap_spearman([0, 0, 0, 1, 1, 1, 1], [1, 1, 2, 3, 3, 4, 4])
    assert 0 < low <= high <= 1 + 1e-12


def test_each_row_is_ranked_as_scipy_ranks_it() -> None:
    rng = np.random.default_rng(4)
    x, y = rng.integers(4, size=(2, 20, 9)).astype(float)
    assert row_spearman(x, y) == pytest.approx([stats.spearmanr(a, b)[0] for a, b in zip(x, y, strict=True)])
    assert np.isnan(row_spearman([[1.0, 1, 1]], [[1.0, 2, 3]])).all()


def test_the_interval_of_a_mean_is_scipys() -> None:
    values = [1.0, 2.5, 2.0, 7.0]
    oracle = stats.t.interval(0.9, 3, np.mean(values), stats.sem(values))
    assert mean_interval(values, 0.9) == pytest.approx(oracle)
    assert np.isnan(mean_interval([1.0])).all()
