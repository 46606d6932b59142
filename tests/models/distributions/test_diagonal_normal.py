"""Diagonal normals against scipy and the tabled divergences."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from uncollapse.models.distributions import diagonal_normal
from uncollapse.models.distributions.products import dot


@pytest.mark.parametrize(
    ("mean", "variance", "scale", "expected"),
    [(0.3, 0.2, 0.4, 0.294678), (0.0, 1.0, 0.4, 1.708709), (0.5, 0.05, 0.1, 13.695281)],
)
def test_kl_has_its_tabled_values(mean: float, variance: float, scale: float, expected: float) -> None:
    value = diagonal_normal.kl(torch.tensor(mean).double(), torch.tensor(variance).double().log(), scale)
    assert value.item() == pytest.approx(expected, abs=6e-7)


def test_the_prior_scale_only_rescales() -> None:
    mean, log_variance, scale = torch.randn(50).double(), torch.randn(50).double(), 0.3
    rescaled = diagonal_normal.kl(mean / scale, log_variance - 2 * math.log(scale), 1.0)
    assert torch.allclose(diagonal_normal.kl(mean, log_variance, scale), rescaled)


def test_kl_of_a_fresh_token_of_128_dimensions() -> None:
    scales = [step / 10 for step in range(1, 11)]
    values = [diagonal_normal.kl(torch.zeros(128), torch.zeros(128), scale).sum().item() for scale in scales]
    assert values == pytest.approx([6041, 1330, 493, 219, 103, 48, 21, 7.4, 1.5, 0], rel=0.01, abs=0.5)


@pytest.mark.parametrize("std", [1e-5, 0.1, 1.0, 100.0])
def test_log_prob_equals_scipys_for_one_shape_and_for_pairs(std: float) -> None:
    mean = torch.randn(5, 3)
    value = mean + std * torch.randn(5, 3)
    log_variance = torch.full((5, 3), 2 * math.log(std))
    pairs = diagonal_normal.log_prob(value.unsqueeze(0), mean.unsqueeze(1), log_variance.unsqueeze(1))
    expected = stats.norm(mean.double().unsqueeze(1), np.exp(log_variance.double().numpy() / 2)[:, None]).logpdf(
        value.double()
    )
    assert np.allclose(pairs.numpy(), expected.sum(-1), rtol=1e-9, atol=1e-5)
    own = diagonal_normal.log_prob(value, mean, log_variance)
    assert torch.allclose(own, pairs.diagonal(), atol=1e-5)


@pytest.mark.parametrize(
    ("left", "right"),
    [((4, 3), (4, 3)), ((4, 1, 3), (1, 5, 3)), ((7, 4, 3), (4, 3)), ((3,), (2, 4, 3)), ((2, 4, 1, 3), (1, 5, 3))],
)
def test_dot_broadcasts_as_a_sum_of_products(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    a, b = torch.randn(left), torch.randn(right)
    assert torch.allclose(dot(a, b), (a.double() * b.double()).sum(-1))
