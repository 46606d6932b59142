"""What every reader of files makes: texts, and what is known about each."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Records:
    """N texts and what is known about each: its label, and its generating factors if it was generated."""

    texts: list[str]
    labels: list[str] | None = None
    factors: Mapping[str, list[str]] | None = None

    def take(self, index: np.ndarray) -> "Records":
        """The records at `index`, in that order."""

        def pick(values: list[str]) -> list[str]:
            return [values[i] for i in index]

        factors = None if self.factors is None else {name: pick(values) for name, values in self.factors.items()}
        return Records(pick(self.texts), None if self.labels is None else pick(self.labels), factors)
