"""Linear annealing (He et al. 2019; Long et al. 2019)."""

from collections.abc import Callable

from uncollapse.models.configuration.bounds import Fraction, NonNegative, Share


def linear(
    updates: int, /, *, start: Share = 0.1, span: Fraction = 0.5, value: NonNegative = 1.0
) -> Callable[[int], float]:
    """w(t) = value * min(1, start + (1 - start) * t / (span * updates)).

    Args:
        updates: planned updates of the whole training.
        start: share of `value` at the first update.
        span: share of the training over which the weight rises, so that it scales with corpus and batch size.
        value: the weight once annealing has ended.
    """
    rise = span * updates
    return lambda step: value * min(1.0, start + (1.0 - start) * step / rise)
