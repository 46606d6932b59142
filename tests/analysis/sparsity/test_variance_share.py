"""The interval of a share of variance covers as often as it says, also where one group is far noisier than the rest."""

import numpy as np
import pytest
from scipy import stats

from uncollapse.analysis.sparsity.variance_share import share_interval

STUDIES = 1000
SPREADS = {
    "equal": np.ones(8),
    "one of eight four times as noisy": np.array([4.0, *[1.0] * 7]),
    "one of eight ten times as noisy": np.array([10.0, *[1.0] * 7]),
    "all different": np.geomspace(0.3, 3, 8),
}


def studies(share: float, spreads: np.ndarray, size: int, many: int) -> np.ndarray:
    """(studies, groups, size) normal values of which so much of the variance lies between groups."""
    rng = np.random.default_rng(3)
    between = share / (1 - share) * np.mean(spreads**2)
    levels = np.sqrt(between) * rng.normal(size=(many, len(spreads), 1))
    return np.asarray(levels + spreads[:, None] * rng.normal(size=(many, len(spreads), size)))


def covered(share: float, spreads: np.ndarray, size: int, many: int) -> float:
    hits = 0
    for values in studies(share, spreads, size, many):
        low, high = share_interval(values.mean(axis=1), values.var(axis=1, ddof=1), [size] * len(values), draws=400)
        hits += bool(low <= share <= high)
    return hits / many


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("spreads", SPREADS)
def test_it_covers_within_two_points_or_more(share: float, spreads: str) -> None:
    """1,000 studies of eight configurations and ten seeds."""
    error = 3 * np.sqrt(0.05 * 0.95 / STUDIES)
    assert covered(share, SPREADS[spreads], 10, STUDIES) >= 0.93 - error


def test_the_f_interval_does_not_cover_where_one_group_is_noisy() -> None:
    """What it is for: the interval for equal spreads, and this one, on the same 400 studies."""
    spreads, hits = SPREADS["one of eight ten times as noisy"], 0
    for values in studies(0.2, spreads, 10, 400):
        within = values.var(axis=1, ddof=1).mean()
        ratio = 10 * values.mean(axis=1).var(ddof=1) / within
        low, high = ((ratio / stats.f.ppf(q, 7, 72) - 1) / 10 for q in (0.975, 0.025))
        hits += low / (1 + low) <= 0.2 <= high / (1 + high)
    assert hits / 400 < 0.9
    assert covered(0.2, spreads, 10, 400) > 0.92


def test_equal_spreads_of_many_seeds_give_the_f_interval() -> None:
    values = studies(0.5, np.ones(5), 400, 1)[0]
    low, high = share_interval(values.mean(axis=1), values.var(axis=1, ddof=1), [400] * 5, draws=20_000)
    ratio = 400 * values.mean(axis=1).var(ddof=1) / values.var(axis=1, ddof=1).mean()
    theta = [(ratio / stats.f.ppf(q, 4, 5 * 399) - 1) / 400 for q in (0.975, 0.025)]
    assert (low, high) == pytest.approx([t / (1 + t) for t in theta], abs=0.01)


def test_the_same_values_give_the_same_interval_whatever_their_unit() -> None:
    values = studies(0.5, SPREADS["all different"], 6, 1)[0]
    args = values.mean(axis=1), values.var(axis=1, ddof=1)
    small = values.mean(axis=1) / 1e4, values.var(axis=1, ddof=1) / 1e8
    assert share_interval(*args, [6] * 8) == pytest.approx(share_interval(*small, [6] * 8))
