"""What a task's file holds. Shapes: N sentences or pairs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Part:
    """Sentences, or pairs, of one part of a task.

    Args:
        first: N texts.
        second: N texts, or None where sentences stand alone.
        gold: (N,) classes, int64, or grades, float64.
    """

    first: Sequence[str]
    second: Sequence[str] | None
    gold: np.ndarray

    def __len__(self) -> int:
        return len(self.gold)

    def take(self, rows: np.ndarray) -> "Part":
        """The rows (M,) in their order."""
        second = None if self.second is None else [self.second[row] for row in rows]
        return Part([self.first[row] for row in rows], second, self.gold[rows])
