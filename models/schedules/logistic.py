"""Logistic annealing (Bowman et al. 2016)."""

import math
from collections.abc import Callable

from uncollapse.models.configuration.bounds import Fraction, NonNegative, Share


def logistic(
    updates: int, /, *, midpoint: Share = 0.25, rise: Fraction = 0.3, value: NonNegative = 1.0
) -> Callable[[int], float]:
    """w(t) = value / (1 + exp(-k (t - x0))), x0 = midpoint * updates, k = 2 ln 99 / (rise * updates).

    Args:
        updates: planned updates of the whole training.
        midpoint: share of the training after which half the weight is reached.
        rise: share of the training over which the weight goes from 1 % to 99 % of `value`.
        value: the weight once annealing has ended.
    """
    steepness = 2.0 * math.log(99.0) / (rise * updates)

    def weight(step: int) -> float:
        exponent = min(700.0, -steepness * (step - midpoint * updates))  # exp overflows beyond
        return value / (1.0 + math.exp(exponent))

    return weight
