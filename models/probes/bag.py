"""How much of a code is a bag of words. Shapes: N sentences; C code; E embedding; D source, G target."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity

from uncollapse.models.measures.checks import check_rows
from uncollapse.models.probes import scaling
from uncollapse.models.probes.training import Training, dense, fit

CONTROLS = (
    5  # shuffles: the cosine of one, whose predictions are small, strays by 0.07 where targets share no direction
)


@dataclass(frozen=True)
class Recovered:
    """How well one vector of a sentence is predicted from another.

    Args:
        cosine: mean cosine of prediction and target over the test sentences.
        control: the same when the probe learned from targets of other sentences, the average of five shuffles: what it
            is to know the average target alone. Mean embeddings are alike, so a cosine says little without it.
        count: test sentences.
        training: how the probe came about.
    """

    cosine: float
    control: float
    count: int
    training: Training


class BothWays(NamedTuple):
    """What a code tells of the words, and the words of the code."""

    code_to_bag: Recovered
    bag_to_code: Recovered


def code_and_bag(codes: Tensor, bags: Tensor, test_codes: Tensor, test_bags: Tensor, seed: int) -> BothWays:
    """Predict bags from codes and codes from bags (Xu & Durrett 2018, Table 6).

    Args:
        codes, test_codes: (N, C) posterior means, or directions of a von Mises-Fisher posterior.
        bags, test_bags: (N, E) mean embeddings of the words of the same sentences.
        seed: as for `recover`.
    """
    forth = recover(codes, bags, test_codes, test_bags, seed)
    return BothWays(forth, recover(bags, codes, test_bags, test_codes, seed))


def recover(source: Tensor, target: Tensor, test_source: Tensor, test_target: Tensor, seed: int) -> Recovered:
    """Train a network with one hidden tanh layer on the squared error and judge it by its cosine on the test.

    The hidden layer is as wide as the target, as in the released code; that code trains on the cosine itself, takes
    the best of ten epochs on the test set, and in both its directions predicts the bag from the code. Sources are
    standardised by component, targets by one divisor, under which the best prediction is the same.

    Args:
        source, test_source: (N, D).
        target, test_target: (N, G) of the same sentences.
        seed: of weights, hold-out, order and the shuffled targets; the global generator is not touched.
    """
    pairs = [(source, target), (test_source, test_target)]
    for known, asked in pairs:
        check_rows(known, "sources")
        if len(known) != len(check_rows(asked, "targets")):
            raise ValueError(f"A probe needs a target for each source; found {len(known)} and {len(asked)}.")
    generator = torch.Generator().manual_seed(seed)
    cosine, training = _cosine(source, target, test_source, test_target, generator)
    control = 0.0
    for _ in range(CONTROLS):
        strangers = target[torch.randperm(len(target), generator=generator)]
        control += _cosine(source, strangers, test_source, test_target, generator)[0] / CONTROLS
    return Recovered(cosine, control, len(test_target), training)


def _cosine(
    source: Tensor, target: Tensor, asked: Tensor, truth: Tensor, generator: torch.Generator
) -> tuple[float, Training]:
    predicted, training = _predict(source, target, asked, generator)
    return cosine_similarity(predicted, truth.double()).mean().item(), training


def _predict(source: Tensor, target: Tensor, asked: Tensor, generator: torch.Generator) -> tuple[Tensor, Training]:
    """Predictions (N, G) in float64 for the sources asked about."""
    reading, writing = scaling.of_components(source), scaling.of_all(target)
    inputs, outputs = reading(source), writing(target)
    width = target.shape[1]
    probe = nn.Sequential(dense(source.shape[1], width, generator), nn.Tanh(), dense(width, width, generator))

    def loss(rows: Tensor, generator: torch.Generator) -> Tensor:
        return (probe(inputs[rows]) - outputs[rows]).square().sum(1).mean()

    training = fit(probe, loss, len(source), generator)
    with torch.no_grad():
        return probe(reading(asked)).double() * writing.spread + writing.centre, training
