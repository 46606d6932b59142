"""Which components each class of sentences uses. Shapes: N sentences; C components; Y classes."""

from typing import NamedTuple

import torch
from torch import Tensor

from models.measures.checks import check_rows


class Patterns(NamedTuple):
    """Shares (Y, C) of a class's sentences with each component on, and how separate the classes are.

    separation: the variance of the shares between classes, averaged over components; at most 1/4.
    chance: the same for shuffled classes, on average.
    """

    shares: Tensor
    separation: float
    chance: float


def by_off_probability(off: Tensor, labels: Tensor, classes: int, seed: int = 0) -> Patterns:
    """Activation patterns of sparse codes: a component counts as on where E gamma < 1/2 (Prokhorov et al. 2021, 5.3).

    The paper draws the complement, the share of sentences where it is off.
    """
    return _patterns(check_rows(off, "off-probabilities") < 0.5, labels, classes, seed)


def by_size(means: Tensor, labels: Tensor, classes: int, seed: int = 0) -> Patterns:
    """Activation patterns of dense codes: a component counts as on where its mean lies a deviation from its average."""
    rows = check_rows(means, "posterior means")
    deviation = rows.std(0, correction=0)
    return _patterns(((rows - rows.mean(0)).abs() > deviation) & (deviation > 1e-6), labels, classes, seed)


def _patterns(on: Tensor, labels: Tensor, classes: int, seed: int, shuffles: int = 20) -> Patterns:
    generator = torch.Generator().manual_seed(seed)
    shares = _shares(on, labels, classes)
    shuffled = [labels[torch.randperm(len(labels), generator=generator)] for _ in range(shuffles)]
    chance = [_separation(_shares(on, other, classes)) for other in shuffled]
    return Patterns(shares, _separation(shares), sum(chance) / shuffles)


def _shares(on: Tensor, labels: Tensor, classes: int) -> Tensor:
    counts = labels.bincount(minlength=classes).clamp_min(1).double()
    sums = torch.zeros(classes, on.shape[1], dtype=torch.float64).index_add_(0, labels, on.double())
    return sums / counts.unsqueeze(1)


def _separation(shares: Tensor) -> float:
    return shares.var(0, correction=0).mean().item()
