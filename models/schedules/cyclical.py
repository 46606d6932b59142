"""Cyclical annealing (Fu et al. 2019)."""

from collections.abc import Callable
from fractions import Fraction as Exact

from uncollapse.models.configuration.bounds import Fraction, NonNegative, Share, Size


def cyclical(
    updates: int,
    /,
    *,
    cycles: Size = 4,
    ratio: Fraction = 0.5,
    start: Share = 0.0,
    span: Fraction = 0.6,
    value: NonNegative = 1.0,
) -> Callable[[int], float]:
    """w(t) = value * (start + (1 - start) * min(1, tau / ratio)), tau the position in the cycle, in [0, 1).

    Args:
        updates: planned updates of the whole training.
        cycles: number of cycles within `span`.
        ratio: share of a cycle over which the weight rises; for the rest it stays at `value`.
        start: share of `value` at the start of each cycle.
        span: share of the training that is cyclical; afterwards the weight stays at `value`, so that a model is
            never judged in the middle of a cycle.
        value: the weight at the top.
    """
    # in whole numbers, since a cycle is no whole number of updates and a modulo of floats ends it an update late
    share = Exact(str(float(span)))
    whole = share.numerator * updates  # the cyclical updates, in steps of 1 / share.denominator

    def weight(step: int) -> float:
        gone = step * share.denominator
        position = gone * cycles % whole / whole if gone < whole else 1.0
        return value * (start + (1.0 - start) * min(1.0, position / ratio))

    return weight
