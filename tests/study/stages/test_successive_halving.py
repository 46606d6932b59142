"""Successive halving against brute force."""

import math

import pytest

from uncollapse.study.stages import successive_halving


@pytest.mark.parametrize(
    ("epochs", "rungs"),
    [(1, []), (2, [1]), (3, [1, 2]), (4, [1, 2]), (9, [3, 5]), (12, [3, 6]), (16, [4, 8]), (30, [8, 15])],
)
def test_rungs_of_a_training(epochs: int, rungs: list[int]) -> None:
    assert successive_halving.rungs(epochs) == rungs


def test_rungs_rise_and_never_include_the_last_epoch() -> None:
    for epochs in range(1, 300):
        rungs = successive_halving.rungs(epochs)
        assert rungs == sorted(set(rungs))
        assert all(1 <= rung < epochs for rung in rungs)
        assert all(rung >= epochs / 4 for rung in rungs)


def test_the_better_half_of_those_at_a_rung_stays() -> None:
    for count in range(1, 40):
        values = [float(7 * number % 41) for number in range(count)]
        kept = [
            value for at, value in enumerate(values) if successive_halving.keeps(value, values[:at] + values[at + 1 :])
        ]
        assert sorted(kept) == sorted(values)[: math.ceil(count / 2)]


def test_the_first_at_a_rung_stays_and_so_do_equals() -> None:
    assert successive_halving.keeps(5.0, [])
    assert not successive_halving.keeps(5.0, [4.0])
    assert all(successive_halving.keeps(5.0, [5.0] * count) for count in range(10))


def test_a_trial_stays_by_its_bound_or_by_its_limits() -> None:
    others = [(0.0, 40.0), (0.1, 38.0), (0.9, 31.0), (1.0, 30.0)]
    assert successive_halving.keeps_either((0.05, 39.0), others), "among the first by the limits"
    assert successive_halving.keeps_either((1.0, 30.5), others), "among the first by the bound"
    assert not successive_halving.keeps_either((0.95, 39.0), others), "among the first by neither"


@pytest.mark.parametrize("share", [0.0, 0.1, 1 / 3, 0.5, 0.7, 0.99, 1.0])
def test_a_share_is_exact_to_one_at_every_number_of_trials(share: float) -> None:
    chosen = 0
    for number in range(500):
        chosen += successive_halving.spread_evenly(number, share)
        assert abs(chosen - share * (number + 1)) <= 1 + 1e-6
    assert chosen == pytest.approx(share * 500, abs=1)


def test_a_tenth_of_ten_is_one() -> None:
    for share, expected in ((0.1, 1), (0.2, 2), (0.3, 3), (0.7, 7)):
        assert sum(successive_halving.spread_evenly(number, share) for number in range(10)) == expected
