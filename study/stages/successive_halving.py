"""Asynchronous successive halving (Li et al. 2020) in its mildest form, over what was reported at each rung.

Pure functions. `tests/benchmarks/searches/early_stopping.py` measures what they save and what they cost.
"""

import math
from collections.abc import Sequence
from typing import TypeVar

FACTOR, RUNGS = 2, 2
Rank = TypeVar("Rank", float, tuple[float, float])


def rungs(epochs: int) -> list[int]:
    """Epochs at which trials are compared: a quarter and a half of the training.

    Not earlier: the order of text VAEs before a quarter of their training says next to nothing about its end. Of 689
    recorded trainings of 16 epochs that ended alive all but 3 were still collapsed after the second.
    """
    found = {math.ceil(epochs / FACTOR**halvings) for halvings in range(1, RUNGS + 1)}
    return sorted(rung for rung in found if rung < epochs)


def keeps(value: Rank, others: Sequence[Rank]) -> bool:
    """Whether a trial stays: among the better half, rounded up, of all that reached the rung (lower is better)."""
    better = sum(other < value for other in others)
    return better < math.ceil((len(others) + 1) / FACTOR)


def keeps_either(place: tuple[float, float], others: Sequence[tuple[float, float]]) -> bool:
    """Whether a trial stays by its bound, or by what it breaks of the limits (its bound then tells equals apart).

    Neither is enough by itself: by the bound, models that will use their code lose to those that never will; by the
    limits, those that begin to use it late, and are the best of all, lose to those that begin early.

    Args:
        place: what is broken of the limits, then the bound.
        others: of all others at the rung.
    """
    return keeps(place, others) or keeps(place[1], [bound for _, bound in others])


def spread_evenly(number: int, share: float) -> bool:
    """Whether trial `number` belongs to a share of the trials that is spread evenly over them."""
    return math.floor((number + 1) * share + 1e-9) > math.floor(number * share + 1e-9)
