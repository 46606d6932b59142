"""Asynchronous successive halving (Li et al. 2020), as pure functions over what was reported at each rung."""

import math
from collections.abc import Sequence
from typing import TypeVar

FACTOR = 3
Rank = TypeVar("Rank", float, tuple[float, float])


def rungs(epochs: int) -> list[int]:
    """Epochs at which trials are compared: a third, a ninth, ... of the training, never its last epoch."""
    found: list[int] = []
    rung = epochs / FACTOR
    while rung >= 1:
        found.append(math.ceil(rung))
        rung /= FACTOR
    return sorted({rung for rung in found if rung < epochs})


def keeps(value: Rank, others: Sequence[Rank]) -> bool:
    """Whether a trial stays: it is among the best third, rounded up, of all that reached the rung (lower is better)."""
    better = sum(other < value for other in others)
    return better < math.ceil((len(others) + 1) / FACTOR)


def spread_evenly(number: int, share: float) -> bool:
    """Whether trial `number` belongs to a share of the trials that is spread evenly over them."""
    return math.floor((number + 1) * share + 1e-9) > math.floor(number * share + 1e-9)
