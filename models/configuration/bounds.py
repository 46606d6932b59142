"""Bounds of hyperparameters as annotated types, free of torch, so that signatures are judged without components."""

import math
from dataclasses import dataclass
from typing import Annotated


def figure(limit: float) -> str:
    """A limit as a sentence writes it."""
    return f"{limit:,}" if isinstance(limit, int) else f"{limit:g}"


@dataclass(frozen=True)
class Bound:
    """An interval for a finite number; an open end excludes its limit."""

    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False

    def error(self, value: float) -> str | None:
        """Return what is wrong with `value` as the rest of a sentence ("must be ..."), or None."""
        if not math.isfinite(value):
            return "must be a finite number"
        if value < self.low or (self.low_open and value == self.low):
            return f"must be {'greater than' if self.low_open else 'at least'} {figure(self.low)}"
        if value > self.high or (self.high_open and value == self.high):
            return f"must be {'less than' if self.high_open else 'at most'} {figure(self.high)}"
        return None


Positive = Annotated[float, Bound(low=0.0, low_open=True)]
NonNegative = Annotated[float, Bound(low=0.0)]
Share = Annotated[float, Bound(low=0.0, high=1.0)]
Fraction = Annotated[float, Bound(low=0.0, high=1.0, low_open=True)]
Open = Annotated[float, Bound(low=0.0, high=1.0, low_open=True, high_open=True)]
Rate = Annotated[float, Bound(low=0.0, high=1.0, high_open=True)]
Concentration = Annotated[float, Bound(low=1e-3, high=1e4)]
Shape = Annotated[float, Bound(low=0.05, high=1e4)]
Count = Annotated[int, Bound(low=0)]
Size = Annotated[int, Bound(low=1)]
Several = Annotated[int, Bound(low=2)]
SphereSize = Annotated[int, Bound(low=2)]
