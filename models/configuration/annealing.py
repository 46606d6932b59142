"""When annealing is over, for any schedule. Free of torch: `plan` asks."""

from collections.abc import Callable


def end_of_annealing(schedule: Callable[[int], float], updates: int, tolerance: float = 0.02) -> int:
    """First update from which the weight stays within `tolerance` of its last value, relative to it."""
    last = schedule(updates)
    for step in range(updates, -1, -1):
        if abs(schedule(step) - last) > tolerance * abs(last):
            return step + 1
    return 0
