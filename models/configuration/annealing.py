"""When annealing is over, for any schedule. Free of torch: `plan` asks."""

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from uncollapse.models.configuration import components
from uncollapse.models.configuration.terms import schedule_of

SCALE = 1000  # updates on which the end of annealing is found, as a share


def annealed_by(configuration: Mapping[str, Any]) -> float:
    """Share of the training after which every weight of the objective has settled."""
    return max((_end(json.dumps(term)) for term in configuration["objective"].values()), default=0.0)


@lru_cache(maxsize=256)  # asked at every epoch of a trial
def _end(term: str) -> float:
    schedule = components.build("schedule", schedule_of(json.loads(term)), SCALE)
    return end_of_annealing(schedule, SCALE) / SCALE


def end_of_annealing(schedule: Callable[[int], float], updates: int, tolerance: float = 0.02) -> int:
    """First update from which the weight stays within `tolerance` of its last value, relative to it."""
    last = schedule(updates)
    for step in range(updates, -1, -1):
        if abs(schedule(step) - last) > tolerance * abs(last):
            return step + 1
    return 0
