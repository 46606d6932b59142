"""Pairwise cosine against its double loop."""

import math

import pytest
import torch

from models.measures.geometry import pairwise_cosine


def test_it_equals_the_double_loop() -> None:
    features = torch.randn(40, 7).double() + 0.3
    pairs = [torch.cosine_similarity(features[i], features[j], dim=0) for i in range(40) for j in range(i)]
    assert pairwise_cosine(features) == pytest.approx(torch.stack(pairs).mean().item(), abs=1e-12)


def test_duplicated_opposed_and_orthogonal_features() -> None:
    row = torch.randn(1, 5)
    assert pairwise_cosine(row * torch.rand(9, 1)) == pytest.approx(1)
    assert pairwise_cosine(torch.cat([row, -2 * row])) == pytest.approx(-1)
    assert pairwise_cosine(torch.eye(6)) == pytest.approx(0, abs=1e-12)


def test_zero_features_have_cosine_zero() -> None:
    assert pairwise_cosine(torch.zeros(5, 3)) == 0
    assert pairwise_cosine(torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 0.0]])) == pytest.approx(1 / 3)


@pytest.mark.parametrize("features", [torch.randn(1, 4), torch.tensor([[math.inf, 1.0], [0.0, 1.0]])])
def test_unfit_features_are_refused(features: torch.Tensor) -> None:
    with pytest.raises(ValueError, match=r"^A measure needs .*\.$"):
        pairwise_cosine(features)
