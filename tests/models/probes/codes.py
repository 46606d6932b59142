"""Codes whose classes are known to be told, hidden or absent. Shapes: K draws; N sentences; B of a batch; C code."""

import torch
from torch import Tensor

from uncollapse.models.probes.accuracy import Accuracy
from uncollapse.models.probes.classifier import Draw, Labelled, always, classify


def labels(count: int, classes: int, seed: int = 0) -> Tensor:
    """(N,) random classes."""
    return torch.randint(0, classes, (count,), generator=torch.Generator().manual_seed(seed))


def clusters(of: Tensor, size: int = 4, apart: float = 6.0, seed: int = 0) -> Tensor:
    """Means (N, C) around one centre a class, with deviation 1 and centres on the axes, `apart` from the origin."""
    noise = torch.randn(len(of), size, generator=torch.Generator().manual_seed(seed))
    return noise + apart * torch.eye(size)[of]


def fresh(means: Tensor, deviation: float, draws: int = 5) -> Draw:
    """Normal draws around means (N, C), new ones at every call."""

    def draw(rows: Tensor, generator: torch.Generator) -> Tensor:
        noise = torch.randn(draws, len(rows), means.shape[1], generator=generator)
        return means[rows] + deviation * noise

    return draw


def accuracy_of_draws(
    train: Tensor, train_labels: Tensor, test: Tensor, test_labels: Tensor, classes: int, seed: int
) -> Accuracy:
    """As `classify`, for K draws of each code made once: (K, N, C), (N,) labels; K = 1 for means."""
    return classify(Labelled(always(train), train_labels), Labelled(always(test), test_labels), classes, seed)
