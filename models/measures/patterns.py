"""Which components each class of sentences uses. Shapes: N sentences; C components; Y classes."""

from typing import NamedTuple

import torch
from torch import Tensor

from uncollapse.models.measures.checks import check_labels, check_rows

SHUFFLES = 20
SMALLEST_STD = 1e-6


class Patterns(NamedTuple):
    """Shares (Y, C) of a class's sentences with each component on, and how separate the classes are.

    separation: the variance of the shares between classes that have sentences, averaged over components; at most 1/4.
    chance: the same for shuffled labels, on average.
    counts: (Y,) sentences of each class; the shares of a class without any are 0 and enter nothing.
    """

    shares: Tensor
    separation: float
    chance: float
    counts: Tensor


def by_off_probability(off: Tensor, labels: Tensor, classes: int, seed: int = 0) -> Patterns:
    """Activation patterns of sparse codes: a component counts as on where E gamma < 1/2 (Prokhorov et al. 2021, 5.3).

    The paper draws the complement, the share of sentences where it is off.

    Args:
        off: (N, C) probabilities that a component is switched off.
        labels: (N,) classes 0 .. Y - 1.
        classes: Y.
        seed: of the shuffled labels; the global generator is not touched.
    """
    return _patterns(check_rows(off, "off-probabilities") < 0.5, labels, classes, seed)


def by_size(means: Tensor, labels: Tensor, classes: int, seed: int = 0) -> Patterns:
    """Activation patterns of dense codes: a component counts as on where its mean lies a deviation from its average.

    No paper has this: it gives models without a switch, such as Gaussian ones, a pattern to compare. A dense component
    of Gaussian means is on in 32 % of the sentences; one that does not vary (deviation under 1e-6) never is.

    Args:
        means: (N, C) posterior means.
        labels, classes, seed: as for `by_off_probability`.
    """
    rows = check_rows(means, "posterior means")
    deviation = rows.std(0, correction=0)
    return _patterns(((rows - rows.mean(0)).abs() > deviation) & (deviation > SMALLEST_STD), labels, classes, seed)


def _patterns(on: Tensor, labels: Tensor, classes: int, seed: int) -> Patterns:
    labels = check_labels(labels, len(on), classes)
    generator = torch.Generator().manual_seed(seed)
    counts = labels.bincount(minlength=classes)
    shares = _shares(on, labels, counts)
    shuffled = [labels[torch.randperm(len(labels), generator=generator)] for _ in range(SHUFFLES)]
    chance = [_separation(_shares(on, other, counts), counts) for other in shuffled]
    return Patterns(shares, _separation(shares, counts), sum(chance) / SHUFFLES, counts)


def _shares(on: Tensor, labels: Tensor, counts: Tensor) -> Tensor:
    sums = on.new_zeros(len(counts), on.shape[1], dtype=torch.float64).index_add_(0, labels, on.double())
    return sums / counts.clamp_min(1).unsqueeze(1)


def _separation(shares: Tensor, counts: Tensor) -> float:
    return shares[counts > 0].var(0, correction=0).mean().item()
