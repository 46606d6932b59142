"""What class a frozen code tells. Shapes: K draws; N sentences; B of a batch; C code; Y classes."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from uncollapse.models.measures.checks import check_labels
from uncollapse.models.probes import scaling
from uncollapse.models.probes.accuracy import Accuracy, accuracy
from uncollapse.models.probes.heads import Head, two_dense
from uncollapse.models.probes.scaling import Scale
from uncollapse.models.probes.training import Training, fit

CHUNK = 1_024  # sentences classified at once

Draw = Callable[[Tensor, torch.Generator], Tensor]  # (rows (B,), generator) -> codes (K, B, C)


@dataclass(frozen=True)
class Labelled:
    """Sentences as a classifier meets them, on the CPU.

    Args:
        draw: gives K codes of each sentence asked for, by row; fresh ones where it draws from the generator.
        labels: (N,) classes 0 .. Y - 1.
    """

    draw: Draw
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)


def always(draws: Tensor) -> Draw:
    """Return the same codes (K, N, C) whenever a sentence is asked for; K = 1 for posterior means."""
    return lambda rows, generator: draws[:, rows]


def classify(train: Labelled, test: Labelled, classes: int, seed: int, head: Head = two_dense) -> Accuracy:
    """Train a head on frozen codes and return its accuracy on others.

    p(y|x) = (1/K) sum_k softmax(head(z_k)) and the loss is -log of that average (Prokhorov et al. 2021, Section 4.2:
    K = 5, drawn afresh for every batch in training and for the test). Codes are first standardised, component by
    component, with one draw of all training sentences: the paper does not say, but without it a head's learning rate
    favours codes of large scale, which sphere and prior scale decide. A tenth of the training sentences decides when
    to stop.

    Args:
        train, test: what to learn from and what to be judged on.
        classes: Y.
        seed: of weights, hold-out, order and draws; the global generator is not touched.
        head: of `models.probes.heads`.

    ValueError where there is nothing to learn from or to judge, or labels do not fit; `NotFinite` for such codes.
    """
    predicted, training = predict(train, test.draw, len(test), classes, seed, head)
    return accuracy(predicted, check_labels(test.labels, len(test), classes), classes, training)


def predict(
    train: Labelled, draw: Draw, count: int, classes: int, seed: int, head: Head = two_dense
) -> tuple[Tensor, Training]:
    """Return the likeliest class of `count` sentences (N,) by a head trained as in `classify`, and its training."""
    if count < 1 or len(train) < 2:
        raise ValueError(f"A classifier needs two sentences to learn from and one to judge: {len(train)} and {count}.")
    labels = check_labels(train.labels, len(train), classes)
    generator = torch.Generator().manual_seed(seed)
    codes = train.draw(torch.arange(len(train)), generator)
    scale, probe = scaling.of_components(codes), head(codes.shape[-1], classes, generator)

    def loss(rows: Tensor, generator: torch.Generator) -> Tensor:
        log_p = log_probabilities(probe, scale, train.draw(rows, generator))
        return -log_p.gather(1, labels[rows].unsqueeze(1)).mean()

    training = fit(probe, loss, len(train), generator)
    generator.manual_seed(seed)  # the test's draws do not depend on how long training took
    with torch.no_grad():
        chunks = torch.arange(count).split(CHUNK)
        told = [log_probabilities(probe, scale, draw(rows, generator)).argmax(1) for rows in chunks]
    return torch.cat(told), training


def log_probabilities(probe: nn.Module, scale: Scale, codes: Tensor) -> Tensor:
    """log of the class probabilities averaged over draws: (K, B, C) -> (B, Y)."""
    return probe(scale(codes)).log_softmax(-1).logsumexp(0) - math.log(len(codes))
