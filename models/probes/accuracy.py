"""Shares of correct classifications. Shapes: N sentences; Y classes."""

import math
from dataclasses import dataclass
from statistics import NormalDist

from torch import Tensor

from uncollapse.models.probes.training import Training


@dataclass(frozen=True)
class Accuracy:
    """Share of correctly classified sentences.

    Args:
        value: the share.
        majority: share of the commonest class among the same sentences: what no code is needed for.
        count: N.
        training: how the classifier came about.
    """

    value: float
    majority: float
    count: int
    training: Training

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % score interval of `value` over other sentences; another seed or encoder is not in it."""
        return wilson(self.value, self.count)


def accuracy(predicted: Tensor, labels: Tensor, classes: int, training: Training) -> Accuracy:
    """Return how many of the classes predicted (N,) are the labels (N,)."""
    count = len(labels)
    commonest = int(labels.bincount(minlength=classes).max())
    return Accuracy(int((predicted == labels).sum()) / count, commonest / count, count, training)


def f1(predicted: Tensor, labels: Tensor, positive: int = 1) -> float:
    """Return 2 TP / (2 TP + FP + FN) of one class among (N,); ValueError where no label is of that class."""
    wanted, found = labels == positive, predicted == positive
    if not wanted.any():
        raise ValueError(f"F1 of class {positive} needs a row of that class; there is none.")
    return 2 * int((wanted & found).sum()) / (int(wanted.sum()) + int(found.sum()))


def wilson(share: float, count: int, level: float = 0.95) -> tuple[float, float]:
    """Return Wilson's score interval of a share of `count` trials."""
    z = NormalDist().inv_cdf(0.5 + level / 2)
    centre = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * math.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return 0.0 if share == 0 else centre - half, 1.0 if share == 1 else centre + half  # rounding misses these two
