"""Correlations against SciPy, and similarity of sentences on good, dead and adversarial vectors."""

import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from uncollapse.models.measures.checks import NotFinite
from uncollapse.models.measures.correlation import NoVariation, cosines, pearson, similarity, spearman


@pytest.mark.parametrize("ties", [False, True])
def test_correlations_are_scipys(ties: bool) -> None:
    first = torch.randn(200).double()
    second = first + torch.randn(200).double()
    if ties:
        first, second = first.round(), (2 * second).round()
    assert spearman(first, second) == pytest.approx(stats.spearmanr(first, second).statistic, abs=1e-12)
    assert pearson(first, second) == pytest.approx(stats.pearsonr(first, second).statistic, abs=1e-12)


def test_ranks_see_order_alone() -> None:
    values = torch.randn(50).double()
    assert spearman(values, values.exp()) == pytest.approx(1)
    assert spearman(values, -(values**3)) == pytest.approx(-1)
    assert pearson(values, values.exp()) < 0.99


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_the_size_of_numbers_does_not_matter(scale: float) -> None:
    first, second = torch.randn(30).double(), torch.randn(30).double()
    assert pearson(first * scale, second) == pytest.approx(pearson(first, second))


def pairs(noise: float, count: int = 500) -> tuple[Tensor, Tensor, Tensor]:
    """Vectors of pairs at known angles, noise added, and a gold similarity that falls with the angle."""
    angle = torch.rand(count).double() * math.pi
    first = torch.stack([torch.ones(count), torch.zeros(count)], 1).double()
    second = torch.stack([angle.cos(), angle.sin()], 1) + noise * torch.randn(count, 2).double()
    return first, second, 5 * (1 - angle / math.pi)


def test_good_vectors_follow_the_gold_and_noise_takes_from_it() -> None:
    found = []
    for noise in (0.0, 0.5, 5.0):
        first, second, gold = pairs(noise)
        found.append(similarity({"a": cosines(first, second)}, {"a": gold}).all)
    assert found[0] == pytest.approx(100)
    assert found[0] > found[1] > found[2]


def test_random_vectors_have_no_correlation() -> None:
    """Within 4 standard errors, 1 / sqrt(N - 1) each."""
    gold = torch.rand(2_000)
    found = similarity({"a": cosines(torch.randn(2_000, 8), torch.randn(2_000, 8))}, {"a": gold})
    assert abs(found.all) < 400 / math.sqrt(1_999)


def test_length_of_vectors_does_not_matter() -> None:
    first, second, _ = pairs(0.3)
    assert torch.allclose(cosines(7 * first, second * torch.rand(500, 1)), cosines(first, second))


def test_the_three_aggregations() -> None:
    cosine = {name: torch.randn(count).double() for name, count in (("a", 30), ("b", 90))}
    gold = {"b": cosine["b"] + 0.5 * torch.randn(90), "a": -cosine["a"] + 9}
    found = similarity(cosine, gold)
    each = {name: 100 * stats.spearmanr(cosine[name], gold[name]).statistic for name in "ab"}
    together = [np.concatenate([values["a"], values["b"]]) for values in (cosine, gold)]
    assert found.subsets == pytest.approx(each)
    assert found.mean == pytest.approx((each["a"] + each["b"]) / 2)
    assert found.wmean == pytest.approx((30 * each["a"] + 90 * each["b"]) / 120)
    assert found.all == pytest.approx(100 * stats.spearmanr(*together).statistic)


def test_subsets_on_other_scales_spoil_the_joined_list_alone() -> None:
    """Adversarial: perfect in every subset, with the cosines of the one all above those of the other."""
    gold = torch.linspace(0, 5, 50)
    found = similarity({"a": gold / 10 + 0.5, "b": gold / 10 - 0.6}, {"a": gold, "b": gold})
    assert (found.mean, found.wmean) == pytest.approx((100, 100))
    assert found.all < 60


def test_dead_vectors_have_no_correlation_to_report() -> None:
    dead = torch.full((20, 4), 0.3)
    assert torch.allclose(cosines(dead, dead), torch.ones(20).double())
    with pytest.raises(NoVariation, match=r"vary.*\.$"):
        similarity({"a": cosines(dead, dead)}, {"a": torch.rand(20)})
    assert cosines(torch.zeros(3, 2), torch.ones(3, 2)).tolist() == [0, 0, 0]


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="same subsets"):
        similarity({"a": torch.rand(3)}, {"b": torch.rand(3)})
    with pytest.raises(ValueError, match="same subsets"):
        similarity({}, {})
    with pytest.raises(ValueError, match="one shape"):
        cosines(torch.rand(3, 2), torch.rand(3, 4))
    for first, second in ((torch.rand(3), torch.rand(4)), (torch.rand(1), torch.rand(1))):
        with pytest.raises(ValueError, match="A correlation needs"):
            spearman(first, second)
    with pytest.raises(NotFinite):
        spearman(torch.tensor([1.0, math.nan]), torch.rand(2))
