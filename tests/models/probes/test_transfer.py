"""Heads on sentence vectors, alone and in pairs. Shapes: N sentences or pairs; C vector, F features."""

import math

import pytest
import torch
from torch import Tensor

from tests.models.probes.codes import clusters, labels
from uncollapse.models.measures.correlation import NoVariation
from uncollapse.models.probes.accuracy import f1
from uncollapse.models.probes.heads import Head, linear, three_layers
from uncollapse.models.probes.transfer import nearness, predicted_classes, relatedness, two_parts

TRAIN, TEST = labels(500, 4, seed=1), labels(300, 4, seed=2)


def right(
    train: Tensor, known: Tensor, test: Tensor, asked: Tensor, classes: int, seed: int = 0, head: Head = linear
) -> float:
    """The share of right answers of a head on frozen vectors."""
    predicted, _ = predicted_classes(train, known, test, classes, seed, head)
    return int((predicted == asked).sum()) / len(asked)


def test_features_of_pairs() -> None:
    u, v = torch.tensor([[1.0, -2.0]]), torch.tensor([[3.0, 5.0]])
    assert two_parts(u, v).tolist() == [[2, 7, 3, -10]]
    with pytest.raises(ValueError, match="one shape"):
        two_parts(u, torch.rand(2, 2))


def test_two_parts_do_not_know_which_sentence_came_first() -> None:
    u, v = torch.randn(5, 3), torch.randn(5, 3)
    assert torch.equal(two_parts(u, v), two_parts(v, u))


def test_sentence_vectors_of_separate_clusters_are_classified() -> None:
    assert right(clusters(TRAIN, seed=3), TRAIN, clusters(TEST, seed=4), TEST, 4) > 0.99


def test_random_labels_are_classified_by_chance() -> None:
    """1 / 4 within 4 standard errors of 300 sentences."""
    found = right(torch.randn(500, 8), TRAIN, torch.randn(300, 8), TEST, 4)
    assert abs(found - 0.25) < 4 * math.sqrt(0.25 * 0.75 / 300)


def test_dead_vectors_are_all_of_one_class() -> None:
    dead = torch.full((500, 3), 0.3)
    assert right(dead, TRAIN, dead[:300], TEST, 4) in {int(TEST.eq(label).sum()) / 300 for label in range(4)}


def paraphrases(count: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Pairs of which those of class 1 are the same but for noise."""
    random = torch.Generator().manual_seed(seed)
    same = labels(count, 2, seed)
    u, stranger = torch.randn(count, 6, generator=random), torch.randn(count, 6, generator=random)
    v = torch.where(same.bool().unsqueeze(1), u, stranger) + 0.1 * torch.randn(count, 6, generator=random)
    return u, v, same


def test_paraphrases_are_told_from_features_of_pairs() -> None:
    (u, v, known), (asked_u, asked_v, asked) = paraphrases(1_000, 1), paraphrases(300, 2)
    predicted, _ = predicted_classes(two_parts(u, v), known, two_parts(asked_u, asked_v), 2, seed=0)
    assert (predicted == asked).double().mean() > 0.97
    assert f1(predicted, asked) > 0.97


def test_paraphrases_are_not_told_linearly_from_the_two_vectors_alone() -> None:
    """Adversarial: a linear head on [u, v] cannot compare; a deeper one can."""
    (u, v, known), (asked_u, asked_v, asked) = paraphrases(3_000, 1), paraphrases(400, 2)
    train, test = torch.cat([u, v], 1), torch.cat([asked_u, asked_v], 1)
    assert abs(right(train, known, test, asked, 2) - 0.5) < 4 * math.sqrt(0.25 / 400)
    assert right(train, known, test, asked, 2, head=three_layers) > 0.8


def test_a_head_that_always_says_paraphrase_has_an_f1_that_flatters_it() -> None:
    """Dead vectors at MRPC's 2 in 3: accuracy 2 / 3, F1 4 / 5."""
    dead, common = torch.full((300, 3), 0.3), (torch.arange(300) % 3 > 0).long()
    predicted, _ = predicted_classes(dead, common, dead, 2, seed=0)
    assert (predicted == common).double().mean() == pytest.approx(2 / 3)
    assert f1(predicted, common) == pytest.approx(0.8)


def graded(count: int, seed: int, lowest: int = 1, noise: float = 0.0) -> tuple[Tensor, Tensor]:
    """Features of pairs whose first component sets the grade."""
    random = torch.Generator().manual_seed(seed)
    gold = lowest + (5 - lowest) * torch.rand(count, generator=random)
    rest = torch.randn(count, 4, generator=random)
    return torch.cat([gold.unsqueeze(1) + noise * torch.randn(count, 1, generator=random), rest], 1), gold


@pytest.mark.parametrize("lowest", [0, 1])
def test_relatedness_that_is_in_the_features_is_found(lowest: int) -> None:
    (train, known), (test, asked) = graded(1_500, 1, lowest), graded(400, 2, lowest)
    found = relatedness(train, known, test, asked, seed=0, lowest=lowest)
    assert found.pearson > 0.95
    assert found.spearman > 0.95
    assert found.squared_error < 0.2
    assert (found.count, found.training.rows) == (400, 1_350)


def test_noise_takes_from_relatedness() -> None:
    found = [relatedness(*graded(800, 1, noise=x), *graded(300, 2, noise=x), seed=0).pearson for x in (0.0, 1.0, 9.0)]
    assert found[0] > found[1] + 0.05 > found[2] + 0.1


def test_random_grades_are_not_found() -> None:
    """Within 4 standard errors, 1 / sqrt(N - 1) each."""
    (train, _), (test, _) = graded(800, 1), graded(400, 2)
    found = relatedness(train, 1 + 4 * torch.rand(800), test, 1 + 4 * torch.rand(400), seed=0)
    assert abs(found.pearson) < 4 / math.sqrt(399)
    assert abs(found.spearman) < 4 / math.sqrt(399)


def test_dead_features_have_no_relatedness_to_report() -> None:
    dead = torch.full((100, 3), 0.3)
    with pytest.raises(NoVariation):
        relatedness(dead, 1 + 4 * torch.rand(100), dead, 1 + 4 * torch.rand(100), seed=0)


def test_a_grade_between_two_is_shared_by_them() -> None:
    """As SentEval encodes SICK's; and at the lowest grade of the STS benchmark, where SentEval's sums to less than 1."""
    assert nearness(torch.tensor([3.25]), 1, 5).tolist() == [[0, 0, 0.75, 0.25, 0]]
    assert nearness(torch.tensor([5.0, 1.0]), 1, 5).tolist() == [[0, 0, 0, 0, 1], [1, 0, 0, 0, 0]]
    gold = 5 * torch.rand(200)
    shares = nearness(gold, 0, 5)
    torch.testing.assert_close(shares.sum(1), torch.ones(200))
    torch.testing.assert_close(shares @ torch.arange(6.0), gold)


def test_the_same_seed_gives_the_same_figures_and_the_global_generator_is_not_touched() -> None:
    state = torch.get_rng_state()
    data = (*graded(300, 1, noise=1.0), *graded(100, 2, noise=1.0))
    assert relatedness(*data, seed=3) == relatedness(*data, seed=3) != relatedness(*data, seed=4)
    vectors = torch.randn(500, 4, generator=torch.Generator().manual_seed(0))
    (first, training), (second, again) = (predicted_classes(vectors, TRAIN, vectors[:300], 4, seed=3) for _ in range(2))
    assert torch.equal(first, second)
    assert training == again
    assert torch.equal(torch.get_rng_state(), state)


def test_what_does_not_fit_is_refused() -> None:
    train, known = graded(50, 1)
    with pytest.raises(ValueError, match="between 1 and 5"):
        relatedness(train, known - 1, train, known, seed=0)
    with pytest.raises(ValueError, match="needs a grade"):
        relatedness(train, known[:9], train, known, seed=0)
    with pytest.raises(ValueError, match="one label"):
        predicted_classes(train, TRAIN, train, 4, seed=0)
