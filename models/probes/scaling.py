"""What probes read and predict, at a common scale. Shapes: * rows of any kind; C components."""

from dataclasses import dataclass

from torch import Tensor

from uncollapse.models.measures.checks import check_finite

SMALLEST_STD = 1e-6


@dataclass(frozen=True)
class Scale:
    """A shift and a divisor, (C,) or one number each, in float64."""

    centre: Tensor
    spread: Tensor

    def __call__(self, values: Tensor) -> Tensor:
        """Return (values - centre) / spread in float32: (*, C); `NotFinite` where a value is."""
        return ((check_finite(values, "codes") - self.centre) / self.spread).float()


def of_components(values: Tensor) -> Scale:
    """Return the scale that gives each component of (*, C) mean 0 and deviation 1 over all rows.

    A component with a deviation under 1e-6 is shifted alone: rounding is no code, and where such a component does
    vary, in other rows, it must not outweigh all others.
    """
    rows = check_finite(values, "codes").flatten(0, -2)
    spread = rows.std(0, correction=0)
    return Scale(rows.mean(0), spread.where(spread > SMALLEST_STD, 1.0))


def of_all(values: Tensor) -> Scale:
    """Return the scale with one divisor for all components of (*, C), under which squared errors keep their ratios."""
    rows = check_finite(values, "targets").flatten(0, -2)
    spread = (rows - rows.mean(0)).square().mean().sqrt()
    return Scale(rows.mean(0), spread.where(spread > SMALLEST_STD, 1.0))
