"""Every schedule against its formula, and what holds for all of them."""

import json
import math
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any

import pytest

from uncollapse.models.configuration import components
from uncollapse.models.configuration.annealing import end_of_annealing
from uncollapse.models.conformance.schedule import EVERY, Make

UPDATES = 1000
TOLERANCE = 0.02
SETTINGS: list[dict[str, Any]] = [{"kind": kind} for kind in components.kinds("schedule")] + [
    {"kind": "constant", "value": 0.3},
    {"kind": "linear", "start": 0.0, "span": 0.2, "value": 0.05},
    {"kind": "linear", "start": 1.0, "span": 1.0, "value": 2.0},
    {"kind": "logistic", "midpoint": 0.35, "rise": 0.05, "value": 0.5},
    {"kind": "logistic", "midpoint": 0.0, "rise": 1.0, "value": 3.0},
    {"kind": "cyclical", "cycles": 1, "ratio": 1.0, "start": 0.1, "span": 0.3, "value": 0.01},
    {"kind": "cyclical", "cycles": 6, "ratio": 0.1, "start": 0.0, "span": 0.6, "value": 0.7},
]
every = pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: "-".join(map(str, settings.values())))


def built(settings: dict[str, Any], updates: int = UPDATES) -> Callable[[int], float]:
    return components.build("schedule", components.resolve("schedule", settings), updates)


def value_of(settings: dict[str, Any]) -> float:
    return components.resolve("schedule", settings)["value"]


def oracle(settings: dict[str, Any], t: int) -> float:
    s = components.resolve("schedule", settings)
    if s["kind"] == "constant":
        return s["value"]
    if s["kind"] == "linear":
        done = t / (s["span"] * UPDATES)
        return s["value"] * (1.0 if done >= 1 else s["start"] + (1 - s["start"]) * done)
    if s["kind"] == "logistic":
        z = 2 * math.log(99) / s["rise"] * (t / UPDATES - s["midpoint"])
        return s["value"] * 0.5 * (1 + math.tanh(z / 2))
    cycle = t / (s["span"] * UPDATES) * s["cycles"]
    if s["kind"] != "cyclical":
        pytest.skip("no formula is written here for this schedule")
    if cycle >= s["cycles"]:
        return s["value"]
    rise = min(1.0, (cycle - math.floor(cycle + 1e-9)) / s["ratio"])
    return s["value"] * (s["start"] + (1 - s["start"]) * max(0.0, rise))


@every
def test_against_its_formula(settings: dict[str, Any]) -> None:
    weight = built(settings)
    for t in range(0, UPDATES + 1, 7):
        assert weight(t) == pytest.approx(oracle(settings, t), abs=1e-9)


@every
def test_stays_between_nothing_and_its_value_and_ends_there(settings: dict[str, Any]) -> None:
    weight, top = built(settings), value_of(settings)
    assert all(0.0 <= weight(t) <= top * (1 + 1e-12) for t in range(UPDATES + 1))
    if settings["kind"] != "logistic":
        assert weight(UPDATES) == pytest.approx(top)


@every
@pytest.mark.parametrize("check", EVERY, ids=lambda check: check.__name__)
def test_every_schedule_passes(settings: dict[str, Any], check: Callable[[Make], None]) -> None:
    check(partial(built, settings))


@every
def test_settings_survive_a_file(settings: dict[str, Any]) -> None:
    resolved = components.resolve("schedule", settings)
    again = components.build("schedule", json.loads(json.dumps(resolved)), UPDATES)
    assert [again(t) for t in range(0, UPDATES, 50)] == [built(settings)(t) for t in range(0, UPDATES, 50)]


@every
@pytest.mark.parametrize("updates", [1, 2, 3, 7, 100_000])
def test_any_length_of_training(settings: dict[str, Any], updates: int) -> None:
    weight = built(settings, updates)
    found = [weight(t) for t in range(min(updates, 50) + 1)] + [weight(updates)]
    assert all(math.isfinite(w) and 0 <= w <= value_of(settings) * (1 + 1e-12) for w in found)


@every
def test_end_of_annealing_is_the_first_update_after_which_nothing_moves(settings: dict[str, Any]) -> None:
    weight = built(settings)
    settled = [abs(weight(t) - weight(UPDATES)) <= TOLERANCE * weight(UPDATES) for t in range(UPDATES + 1)]
    assert end_of_annealing(weight, UPDATES) == next(t for t in range(UPDATES + 1) if all(settled[t:]))


@pytest.mark.parametrize(
    ("settings", "share"),
    [
        ({"kind": "constant"}, 0.0),
        ({"kind": "linear", "start": 0.0, "span": 0.5}, 0.98 * 0.5),
        ({"kind": "logistic", "midpoint": 0.25, "rise": 0.3}, 0.25 + 0.3 * math.log(49) / (2 * math.log(99))),
        ({"kind": "cyclical", "cycles": 4, "ratio": 0.5, "start": 0.0, "span": 0.6}, 0.45 + 0.98 * 0.5 * 0.15),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
def test_end_of_annealing_in_closed_form(settings: dict[str, Any], share: float) -> None:
    assert end_of_annealing(built(settings), UPDATES) == pytest.approx(share * UPDATES, abs=1.0)


def test_a_weight_that_ends_at_nothing_has_an_end() -> None:
    assert end_of_annealing(built({"kind": "linear", "value": 0.0}), UPDATES) == 0
    assert end_of_annealing(lambda step: max(0.0, 1.0 - step / 100), UPDATES) == 100


def test_linear_rises_evenly() -> None:
    weight = built({"kind": "linear", "start": 0.1, "span": 0.5, "value": 2.0})
    steps = [weight(t + 1) - weight(t) for t in range(499)]
    assert weight(0) == pytest.approx(0.2)
    assert steps == pytest.approx([2.0 * 0.9 / 500] * 499)
    assert weight(500) == weight(1000) == 2.0


def test_logistic_goes_from_one_to_ninety_nine_per_cent() -> None:
    weight = built({"kind": "logistic", "midpoint": 0.25, "rise": 0.3, "value": 2.0})
    assert weight(100) == pytest.approx(0.02)
    assert weight(250) == pytest.approx(1.0)
    assert weight(400) == pytest.approx(1.98)


@pytest.mark.parametrize("cycles", [1, 3, 4])
def test_cyclical_repeats_and_then_stays(cycles: int) -> None:
    weight = built({"kind": "cyclical", "cycles": cycles, "ratio": 0.5, "start": 0.1, "span": 0.6, "value": 2.0})
    period = 600 // cycles
    assert [weight(cycle * period) for cycle in range(cycles)] == pytest.approx([0.2] * cycles)
    assert all(weight(t) == pytest.approx(weight(t + period)) for t in range(600 - period))
    plateau = [t for t in range(600) if t % period >= period / 2]
    assert {weight(t) for t in plateau} == {weight(t) for t in range(600, 1001)} == {2.0}


def test_every_cycle_begins_where_it_begins() -> None:
    """The first update of every cycle of many trainings, against whole numbers; a weight there is far from the top."""
    seen = 0
    for updates in (*range(30, 600, 7), 1875, 10_000, 99_999):
        for cycles in (2, 3, 4, 6, 7, 10):
            for span in ("0.6", "0.3", "0.7", "0.9", "1.0", "0.55", "0.1234567"):
                period = Fraction(span) * updates / cycles
                if period < 3:
                    continue
                settings = {"cycles": cycles, "ratio": 1.0, "start": 0.0, "span": float(span), "value": 1.0}
                weight = built({"kind": "cyclical", **settings}, updates)
                for cycle in range(cycles):
                    first = math.ceil(cycle * period)
                    assert weight(first) == pytest.approx(float((first - cycle * period) / period), abs=1e-9)
                    seen += 1
    assert seen > 15_000


def test_schedules_of_a_beta_vae_differ_by_their_value_only() -> None:
    for kind in components.kinds("schedule"):
        full, tenth = built({"kind": kind, "value": 1.0}), built({"kind": kind, "value": 0.1})
        assert [tenth(t) for t in range(0, 1000, 9)] == pytest.approx([0.1 * full(t) for t in range(0, 1000, 9)])
