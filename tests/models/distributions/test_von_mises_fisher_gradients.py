"""Gradients of the von Mises-Fisher distribution, by the mean direction and by the concentration."""

import pytest
import torch
from torch.distributions import kl_divergence
from torch.nn.functional import normalize

from tests.support.statistics import assert_mean
from uncollapse.models.distributions.bessel import mean_resultant, resultant_derivative
from uncollapse.models.distributions.hyperspherical_uniform import HypersphericalUniform
from uncollapse.models.distributions.von_mises_fisher import VonMisesFisher


def direction(dimension: int, *batch: int) -> torch.Tensor:
    return normalize(torch.randn(*batch, dimension), dim=-1)


def test_gradient_of_an_expectation_flows_through_the_mean_direction() -> None:
    raw = torch.randn(8, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(8, dtype=torch.float64)
    exact = torch.autograd.grad(mean_resultant(8, torch.tensor(6.0)) * weights @ normalize(raw, dim=0), raw)[0]
    rows = raw.detach().expand(20_000, 8).clone().requires_grad_()
    z = VonMisesFisher(normalize(rows, dim=-1), 6.0).rsample()
    assert_mean(torch.autograd.grad((z @ weights).sum(), rows)[0], exact)


def test_gradient_of_a_quadratic_expectation() -> None:
    raw = torch.randn(6, dtype=torch.float64)
    rows = raw.expand(40_000, 6).clone().requires_grad_()
    z = VonMisesFisher(normalize(rows, dim=-1), 6.0).rsample()
    kappa = torch.tensor(6.0, dtype=torch.float64)
    # E (e.z)^2 = (1 - s) / (d - 1) + (e.mu)^2 (s d - 1) / (d - 1) ... with s = E w^2.
    second = resultant_derivative(6, kappa, mean_resultant(6, kappa)) + mean_resultant(6, kappa) ** 2
    at = raw.clone().requires_grad_()
    cosine = normalize(at, dim=0)[0].square()
    exact = torch.autograd.grad(second * cosine + (1 - second) * (1 - cosine) / 5, at)[0]
    assert_mean(torch.autograd.grad(z[:, 0].square().sum(), rows)[0], exact)


@pytest.mark.parametrize(("dimension", "kappa"), [(3, 0.5), (8, 6.0), (50, 80.0), (100, 1e-3), (100, 2000.0)])
def test_gradients_reach_a_concentration_each(dimension: int, kappa: float) -> None:
    at = torch.tensor(kappa, dtype=torch.float64, requires_grad=True)
    mean_direction, z = direction(dimension).double(), direction(dimension).double()
    distribution = VonMisesFisher(mean_direction, at)
    resultant, slope = mean_resultant(dimension, at), resultant_derivative(dimension, at, mean_resultant(dimension, at))
    (of_density,) = torch.autograd.grad(distribution.log_prob(z), at, retain_graph=True)
    (of_kl,) = torch.autograd.grad(kl_divergence(distribution, HypersphericalUniform(dimension)), at, retain_graph=True)
    (of_mean,) = torch.autograd.grad(distribution.mean[0], at)
    assert of_density.item() == pytest.approx((z @ mean_direction - resultant).item(), rel=1e-9)
    assert of_kl.item() == pytest.approx((at * slope).item(), rel=1e-9)
    assert of_mean.item() == pytest.approx((mean_direction[0] * slope).item(), rel=1e-9)


@pytest.mark.parametrize(("dimension", "kappa", "expected"), [(5, 2.0, 0.147389), (50, 80.0, 0.002732)])
def test_gradient_of_an_expectation_flows_through_the_concentration(
    dimension: int, kappa: float, expected: float
) -> None:
    at = torch.full((20_000,), kappa, dtype=torch.float64, requires_grad=True)
    mean_direction = direction(dimension).double()
    z = VonMisesFisher(mean_direction.expand(20_000, dimension), at).rsample()
    assert_mean(torch.autograd.grad((z @ mean_direction).sum(), at)[0], expected)


def test_gradient_of_a_quadratic_expectation_by_the_concentration() -> None:
    at = torch.tensor(6.0, dtype=torch.float64, requires_grad=True)
    mean_direction = direction(6).double()
    # E z_0^2 as in the test above, which now moves with s = E w^2.
    second = resultant_derivative(6, at, mean_resultant(6, at)) + mean_resultant(6, at) ** 2
    cosine = mean_direction[0].square()
    (exact,) = torch.autograd.grad(second * cosine + (1 - second) * (1 - cosine) / 5, at)
    rows = torch.full((40_000,), 6.0, dtype=torch.float64, requires_grad=True)
    z = VonMisesFisher(mean_direction.expand(40_000, 6), rows).rsample()
    assert_mean(torch.autograd.grad(z[:, 0].square().sum(), rows)[0], exact)
