"""A weight that does not change."""

from collections.abc import Callable

from uncollapse.models.configuration.bounds import NonNegative


def constant(updates: int, /, *, value: NonNegative = 1.0) -> Callable[[int], float]:
    """w(t) = value: no annealing; below 1, the beta-VAE."""
    return lambda step: value
