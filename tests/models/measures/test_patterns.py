"""Activation patterns of codes that tell their class, of dead codes and of unlabelled ones."""

import pytest
import torch
from torch import Tensor

from uncollapse.models.measures.patterns import by_off_probability, by_size

LABELS = torch.arange(300) % 3


def telling(labels: Tensor = LABELS) -> Tensor:
    """Off-probabilities (N, 6): components 0 to 2 are on for one class each, 3 for all, 4 for none, 5 by chance."""
    off = torch.full((len(labels), 6), 0.9)
    off[torch.arange(len(labels)), labels] = 0.1
    off[:, 3] = 0.2
    off[:, 5] = torch.rand(len(labels))
    return off


def test_shares_are_those_of_each_class() -> None:
    found = by_off_probability(telling(), LABELS, 3)
    assert torch.equal(found.shares[:, :3], torch.eye(3).double())
    assert found.shares[:, 3:5].tolist() == [[1, 0]] * 3
    assert ((found.shares[:, 5] - 0.5).abs() < 4 * 0.05).all()  # 4 standard errors of 100 fair coins
    assert found.counts.tolist() == [100] * 3


def test_separation_is_the_variance_between_classes() -> None:
    off = telling()
    found = by_off_probability(off, LABELS, 3)
    shares = torch.stack([(off[label == LABELS] < 0.5).double().mean(0) for label in range(3)])
    assert torch.allclose(found.shares, shares)
    assert found.separation == pytest.approx(shares.var(0, correction=0).mean().item())
    assert found.separation > 10 * found.chance


def test_the_largest_separation_is_a_quarter() -> None:
    labels = torch.arange(100) % 2
    assert by_off_probability(labels.unsqueeze(1).double(), labels, 2).separation == pytest.approx(0.25)


def test_half_is_off_as_in_the_paper() -> None:
    assert by_off_probability(torch.full((300, 2), 0.5), LABELS, 3).shares.sum() == 0


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_random_labels_are_as_separate_as_shuffled_ones(seed: int) -> None:
    """Of 40 components, 100 sentences a class: chance p (1 - p) (2 / 3) / 100, with 4 standard errors of the mean."""
    torch.manual_seed(seed)
    found = by_off_probability(torch.rand(300, 40), LABELS[torch.randperm(300)], 3)
    expected = 0.25 * (2 / 3) / 100
    for value in (found.separation, found.chance):
        assert abs(value - expected) < 4 * expected / 40**0.5


def test_dead_codes_have_no_pattern() -> None:
    for found in (
        by_off_probability(torch.full((300, 4), 0.7), LABELS, 3),
        by_size(torch.full((300, 4), 0.3), LABELS, 3),
    ):
        assert (found.shares.sum(), found.separation, found.chance) == (0, 0, 0)


def test_rounding_is_no_pattern() -> None:
    assert by_size(0.3 + 1e-9 * torch.randn(300, 4).double(), LABELS, 3).shares.sum() == 0


def test_gaussian_means_are_on_where_they_are_a_deviation_away() -> None:
    """P(|x| > 1) = 0.3173 within 4 standard errors of the shares of 40,000 draws."""
    found = by_size(torch.randn(4_000, 10), torch.arange(4_000) % 2, 2)
    assert abs(found.shares.mean() - 0.3173) < 4 * (0.3173 * 0.6827 / 40_000) ** 0.5
    assert found.separation < 3 * found.chance


def test_dense_codes_that_tell_a_class_are_found_wherever_they_lie_and_however_large() -> None:
    """A component at one value for class 0 and another for the rest is on for class 0, the rarer, alone."""
    means = (LABELS == 0).double().unsqueeze(1) * torch.tensor([1.0, -5.0, 1e-3]) + torch.tensor([0.0, 7.0, 100.0])
    found = by_size(means, LABELS, 3)
    assert found.shares.tolist() == [[1] * 3, [0] * 3, [0] * 3]


def test_a_class_without_sentences_enters_nothing() -> None:
    off = telling()
    found, padded = by_off_probability(off, LABELS, 3), by_off_probability(off, LABELS, 5)
    assert padded.counts.tolist() == [100, 100, 100, 0, 0]
    assert (padded.separation, padded.chance) == (found.separation, found.chance)


def test_it_is_the_same_for_the_same_seed_and_leaves_the_global_generator_alone() -> None:
    off, state = torch.rand(300, 5), torch.get_rng_state()
    first, second = by_off_probability(off, LABELS, 3, seed=4), by_off_probability(off, LABELS, 3, seed=4)
    assert first.chance == second.chance != by_off_probability(off, LABELS, 3, seed=5).chance
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("labels", [torch.zeros(9), torch.full((300,), 3), torch.full((300,), -1)])
def test_labels_that_do_not_fit_are_refused(labels: Tensor) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        by_off_probability(torch.rand(300, 2), labels, 3)
