"""What tasks get from frozen sentence vectors. Shapes: N sentences or pairs; C vector, F features; Y classes."""

from dataclasses import dataclass

import torch
from torch import Tensor

from uncollapse.models.measures.checks import check_finite, check_labels, check_rows
from uncollapse.models.measures.correlation import pearson, spearman
from uncollapse.models.probes import scaling
from uncollapse.models.probes.classifier import Labelled, always, predict
from uncollapse.models.probes.heads import Head, linear
from uncollapse.models.probes.training import Training, dense, fit


@dataclass(frozen=True)
class Relatedness:
    """Correlations of predicted and gold relatedness, -1 to 1, their mean squared error, and the probe's training."""

    pearson: float
    spearman: float
    squared_error: float
    count: int
    training: Training


def two_parts(u: Tensor, v: Tensor) -> Tensor:
    """Return [|u - v|, u * v] for the vectors of pairs (N, C): (N, 2 C), SentEval's for MRPC and SICK."""
    if u.shape != v.shape:
        raise ValueError(f"The vectors of a pair have one shape; found {tuple(u.shape)} and {tuple(v.shape)}.")
    return torch.cat([(u - v).abs(), u * v], 1)


def predicted_classes(
    train: Tensor, labels: Tensor, test: Tensor, classes: int, seed: int, head: Head = linear
) -> tuple[Tensor, Training]:
    """Train a head on frozen vectors; return the likeliest classes (M,) of others, and how it was trained.

    Args:
        train, test: (N, F) and (M, F) sentence vectors, or features of pairs by `two_parts`.
        labels: (N,) classes.
        classes: Y.
        seed: as for `models.probes.classifier.classify`, which says how the head is trained.
        head: of `models.probes.heads`.
    """
    vectors, labels = check_rows(train, "sentence vectors").unsqueeze(0), check_labels(labels, len(train), classes)
    return predict(Labelled(always(vectors), labels), always(test.unsqueeze(0)), len(test), classes, seed, head)


def relatedness(
    train: Tensor, train_gold: Tensor, test: Tensor, test_gold: Tensor, seed: int, lowest: int = 1, highest: int = 5
) -> Relatedness:
    """Train a softmax over whole grades on features of pairs and judge its expected grade.

    A gold grade lies between two whole ones, which share its target by nearness (Tai et al. 2015); the loss is the
    squared error of the softmax, as in SentEval. Features are standardised, and training stops by the loss of a tenth
    of the pairs, where SentEval looks at Pearson's correlation on the development set.

    Args:
        train, test: (N, F) features of pairs by `two_parts`.
        train_gold, test_gold: (N,) grades.
        seed: of weights, hold-out and order; the global generator is not touched.
        lowest, highest: of the grades: 1 to 5 for SICK-R, 0 to 5 for the STS benchmark.

    ValueError for grades outside; `NoVariation` where all predictions are equal, as from dead vectors, of which no
    correlation is defined (SentEval says 0).
    """
    _check_pairs(train, train_gold)
    _check_pairs(test, test_gold)
    generator = torch.Generator().manual_seed(seed)
    scale, targets = scaling.of_components(train), nearness(train_gold, lowest, highest)
    probe, inputs = dense(train.shape[1], targets.shape[1], generator), scale(train)

    def loss(rows: Tensor, generator: torch.Generator) -> Tensor:
        return (probe(inputs[rows]).softmax(1) - targets[rows]).square().sum(1).mean()

    training = fit(probe, loss, len(train), generator)
    with torch.no_grad():
        grades = torch.arange(lowest, highest + 1, dtype=torch.float64)
        found = probe(scale(test)).double().softmax(1) @ grades
    gold = check_finite(test_gold, "grades")
    error = (found - gold).square().mean().item()
    return Relatedness(pearson(found, gold), spearman(found, gold), error, len(gold), training)


def nearness(gold: Tensor, lowest: int, highest: int) -> Tensor:
    """Targets (N, grades) that sum to 1 and whose mean grade is the gold one (N,)."""
    gold = check_finite(gold, "grades")
    if gold.min() < lowest or gold.max() > highest:
        raise ValueError(f"Grades of relatedness lie between {lowest} and {highest}; some of those given do not.")
    grades = torch.arange(lowest, highest + 1, dtype=torch.float64)
    return (1 - (gold.unsqueeze(1) - grades).abs()).clamp_min(0).float()


def _check_pairs(features: Tensor, gold: Tensor) -> None:
    check_rows(features, "features of pairs")
    if gold.shape != features.shape[:1]:
        raise ValueError(f"Each of {len(features)} pairs needs a grade; found {tuple(gold.shape)}.")
