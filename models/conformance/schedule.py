"""What every schedule must do: a weight by update, planned for a number of updates."""

import math
from collections.abc import Callable

from uncollapse.models.conformance.failure import demand

UPDATES = 1000
Schedule = Callable[[int], float]
Make = Callable[[int], Schedule]


def it_is_a_pure_function_of_the_update(make: Make) -> None:
    """The weight of an update is the same whenever, and in whatever order, it is asked for."""
    weight = make(UPDATES)
    forwards = [weight(t) for t in range(0, UPDATES, 13)]
    backwards = [weight(t) for t in reversed(range(0, UPDATES, 13))]
    again = [make(UPDATES)(t) for t in range(0, UPDATES, 13)]
    demand(forwards == backwards[::-1] == again, "the weight of an update depends on what was asked before")


def weights_are_finite_and_not_negative(make: Make) -> None:
    """For any length of training, every weight is a finite number from 0."""
    for updates in (1, 2, 3, 7, UPDATES, 100_000):
        weight = make(updates)
        found = [weight(t) for t in range(min(updates, UPDATES) + 1)] + [weight(updates)]
        bad = next((w for w in found if not (math.isfinite(w) and w >= 0)), None)
        demand(bad is None, f"a weight is {bad} in a training of {updates} updates; it must be a finite number from 0")


def it_scales_with_the_training(make: Make) -> None:
    """At the same share of a training ten times as long, the weight is about the same."""
    short, long = make(UPDATES), make(10 * UPDATES)
    gaps = sorted(abs(short(t) - long(10 * t)) for t in range(0, UPDATES, 7))
    most = 0.05 * max(short(t) for t in range(UPDATES + 1)) + 1e-12
    middle = gaps[len(gaps) // 2]
    demand(middle <= most, f"half of the weights differ by more than {middle:.3g} in a training ten times as long")


EVERY: tuple[Callable[[Make], None], ...] = (
    it_is_a_pure_function_of_the_update,
    weights_are_finite_and_not_negative,
    it_scales_with_the_training,
)
