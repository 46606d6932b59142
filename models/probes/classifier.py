"""What class a frozen code tells. Shapes: K draws, N sentences, B of a batch, C code, Y classes."""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.measures.checks import check_finite

WIDTH = 32
BATCH = 256
EPOCHS, PATIENCE = 60, 6
HELD_OUT = 0.1  # of the training codes, on which training stops
RATE = 3e-3


@dataclass(frozen=True)
class Accuracy:
    """Share of correctly classified sentences, the share of the commonest class, and how many were classified."""

    value: float
    majority: float
    count: int


def head(size: int, classes: int) -> nn.Sequential:
    """Two dense layers of 32 with leaky ReLU, then the classes (Prokhorov et al. 2021, Section 5.2)."""
    first, second = nn.Linear(size, WIDTH), nn.Linear(WIDTH, WIDTH)
    return nn.Sequential(first, nn.LeakyReLU(), second, nn.LeakyReLU(), nn.Linear(WIDTH, classes))


def accuracy_of_draws(
    train: Tensor, train_labels: Tensor, test: Tensor, test_labels: Tensor, classes: int, seed: int
) -> Accuracy:
    """Train a head on frozen codes and return its accuracy on others.

    p(y|x) = (1/K) sum_k softmax(head(z_k)), the loss is -log of that average; K = 5 in Prokhorov et al. 2021. Inputs
    are standardised by the training codes. Training stops when a tenth of those, held out, no longer improves.

    Args:
        train, test: (K, N, C) posterior draws; K = 1 for means.
        train_labels, test_labels: (N,) classes.
        classes: Y.
        seed: of weights, order and hold-out; the global generator is left as it was.
    """
    mean, std = check_finite(train, "codes").mean((0, 1)), train.double().std((0, 1)).clamp_min(1e-6)
    scaled = [((codes.double() - mean) / std).float() for codes in (train, check_finite(test, "codes"))]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        probe = _train(scaled[0], train_labels, classes)
    with torch.no_grad():
        correct = _log_p(probe, scaled[1]).argmax(-1) == test_labels
    commonest = test_labels.bincount(minlength=classes).max().item() / len(test_labels)
    return Accuracy(correct.double().mean().item(), commonest, len(test_labels))


def _log_p(probe: nn.Module, codes: Tensor) -> Tensor:
    """log of the class probabilities averaged over draws: (K, B, C) -> (B, Y)."""
    return functional.softmax(probe(codes), -1).mean(0).clamp_min(1e-30).log()


def _train(codes: Tensor, labels: Tensor, classes: int) -> nn.Module:
    order = torch.randperm(len(labels))
    held, kept = order[: max(1, int(HELD_OUT * len(order)))], order[max(1, int(HELD_OUT * len(order))) :]
    probe = head(codes.shape[-1], classes)
    optimizer = torch.optim.Adam(probe.parameters(), lr=RATE)
    best, best_loss, waited = copy.deepcopy(probe), float("inf"), 0
    for _ in range(EPOCHS):
        for rows in kept[torch.randperm(len(kept))].split(BATCH):
            optimizer.zero_grad()
            functional.nll_loss(_log_p(probe, codes[:, rows]), labels[rows]).backward()
            optimizer.step()
        with torch.no_grad():
            loss = functional.nll_loss(_log_p(probe, codes[:, held]), labels[held]).item()
        waited += 1
        if loss < best_loss:
            best, best_loss, waited = copy.deepcopy(probe), loss, 0
        if waited > PATIENCE:
            break
    return best
