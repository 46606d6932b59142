"""The race as pure functions: what an e-value is worth, when one looks, and how often the best is dropped."""

import math
import random
from collections.abc import Callable
from fractions import Fraction

import pytest
from scipy import integrate

from uncollapse.study.stages.sign_test import ERROR, Drop, e_value, needed, race

SEEDS = list(range(1, 21))


@pytest.mark.parametrize(("wins", "losses"), [(0, 0), (3, 0), (0, 4), (5, 2), (9, 9), (14, 1)])
def test_the_e_value_is_what_the_bettor_holds(wins: int, losses: int) -> None:
    spread, _ = integrate.quad(lambda chance: 2 * (2 * chance) ** wins * (2 * (1 - chance)) ** losses, 0.5, 1)
    always = 2.0**wins if losses == 0 else 0.0
    assert e_value(wins, losses) == pytest.approx((spread + always) / 2)


def test_a_bet_at_even_odds_gains_nothing_on_average() -> None:
    for wins in range(8):
        for losses in range(8):
            after = (e_value(wins + 1, losses) + e_value(wins, losses + 1)) / 2
            assert after <= e_value(wins, losses) * (1 + 1e-12)


def crossing(bar: float, seeds: int) -> Fraction:
    """The exact probability that the e-value reaches `bar` within so many tosses of a fair coin."""
    alive, crossed = {(0, 0): Fraction(1)}, Fraction(0)
    for _ in range(seeds):
        after: dict[tuple[int, int], Fraction] = {}
        for (wins, losses), chance in alive.items():
            for place in ((wins + 1, losses), (wins, losses + 1)):
                if e_value(*place) >= bar:
                    crossed += chance / 2
                else:
                    after[place] = after.get(place, Fraction(0)) + chance / 2
        alive = after
    return crossed


@pytest.mark.parametrize("configurations", [2, 3, 5, 10])
def test_looking_after_every_seed_keeps_the_promised_error(configurations: int) -> None:
    by_one = crossing(needed(configurations), 200)
    assert 0 < (configurations - 1) * by_one <= ERROR


Law = Callable[[random.Random, int], float]
LAWS: dict[str, Law] = {
    "equal": lambda chance, of: chance.gauss(0, 1),
    "two humps": lambda chance, of: (
        chance.gauss(0, 0.1) + (9.0 if chance.random() < (0.45 if of == 0 else 0.55) else 0)
    ),
    "skewed": lambda chance, of: chance.expovariate(1.0) + 0.02 * of,
    "often diverged": lambda chance, of: math.inf if chance.random() < 0.3 else chance.gauss(0, 1),
}


def played(tables: dict[str, dict[int, float]], seeds: list[int]) -> dict[str, Drop]:
    """A whole race: whatever may start is run."""
    results: dict[str, dict[int, float | None]] = {name: {} for name in tables}
    dropped: dict[str, Drop] = {}
    while True:
        standing = race(results, seeds, {name: drop.after for name, drop in dropped.items()})
        dropped |= standing.dropped
        for name in tables.keys() - dropped.keys():
            results[name] |= {seed: tables[name][seed] for seed in seeds[: standing.open]}
        if standing.open == len(seeds):
            return dropped


@pytest.mark.parametrize("law", LAWS)
def test_the_best_is_rarely_dropped_whatever_the_law(law: str) -> None:
    chance, wrong, races = random.Random(0), 0, 1500
    for _ in range(races):
        tables = {str(of): {seed: LAWS[law](chance, of) for seed in SEEDS} for of in range(4)}
        wrong += "0" in played(tables, SEEDS)
    assert wrong / races <= ERROR + 2 * math.sqrt(ERROR * (1 - ERROR) / races)


def steady(**levels: float) -> dict[str, dict[int, float]]:
    return {name: {seed: level + 0.001 * (seed % 3) for seed in SEEDS} for name, level in levels.items()}


def test_what_is_always_worse_is_dropped_as_soon_as_the_e_value_allows() -> None:
    dropped = played(steady(a=1.0, b=2.0, c=3.0), SEEDS)
    first = next(seeds for seeds in SEEDS if e_value(seeds, 0) >= needed(3))
    assert dropped == {name: Drop(first, "a", first, 0) for name in ("b", "c")}
    assert dropped["b"].sentence() == "dropped after 6 seeds: a was better on 6 of 6, e-value 41"


def test_until_a_drop_is_possible_every_seed_may_start_at_once() -> None:
    assert race({"a": {}, "b": {}, "c": {}}, SEEDS, {}).open == 6
    assert race({"a": {}, "b": {}}, SEEDS, {}).open == 5
    assert race({"a": {}}, SEEDS, {}).open == len(SEEDS)


def test_a_look_takes_every_living_configuration_and_every_seed() -> None:
    full = steady(a=1.0, b=2.0, c=3.0)
    results: dict[str, dict[int, float | None]] = {
        name: {seed: value for seed, value in row.items() if seed <= 6} for name, row in full.items()
    }
    del results["a"][3]
    assert race(results, SEEDS, {}).dropped == {}
    results["a"][3] = None  # it failed, which counts for nobody
    assert race(results, SEEDS, {}) == race(results, SEEDS, {})
    assert race(results, SEEDS, {}).dropped == {}
    assert race(results, SEEDS, {}).open == 7


def test_what_was_dropped_stays_so_and_keeps_nobody_waiting() -> None:
    results: dict[str, dict[int, float | None]] = {
        "a": dict.fromkeys(range(1, 10), 1.0),
        "b": dict.fromkeys(range(1, 7), 1.0),
        "c": {seed: 1.0 + seed % 2 for seed in range(1, 10)},
    }
    assert race(results, SEEDS, {}).open > 6
    standing = race(results, SEEDS, {"b": 6})
    assert "b" not in standing.dropped
    assert standing.open > 9


def test_more_seeds_later_are_as_if_they_had_been_there() -> None:
    chance = random.Random(3)
    for _ in range(200):
        tables = {str(of): {seed: chance.gauss(0.7 * of, 1) for seed in SEEDS} for of in range(4)}
        short = played(tables, SEEDS[:9])
        whole = played(tables, SEEDS)
        assert short == {name: drop for name, drop in whole.items() if drop.after < 9}


def test_diverged_seeds_lose_and_two_of_them_say_nothing() -> None:
    worse = {name: {seed: math.inf if name == "b" else float(seed) for seed in SEEDS} for name in "abc"}
    assert set(played(worse, SEEDS)) == {"b"}
    both = {name: dict.fromkeys(SEEDS, math.inf) for name in "abc"}
    assert played(both, SEEDS) == {}
