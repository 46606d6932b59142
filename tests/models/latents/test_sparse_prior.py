"""What is peculiar to a Gaussian posterior against a fixed sparse prior."""

import math

import numpy as np
import pytest
import torch
from scipy import integrate, optimize, stats
from torch import Tensor
from torch.distributions import Normal

from tests.support.statistics import assert_mean
from uncollapse.models.latents.sparse_prior import SparsePrior
from uncollapse.models.variable import Variable

SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


def fixed(mean: float, std: float, gamma: float = 0.8, size: int = 1) -> SparsePrior:
    """A latent whose posterior is N(mean, std^2) for features of zeros."""
    latent = SparsePrior(2, size=size, gamma=gamma)
    torch.nn.init.constant_(latent.location.bias, mean)
    torch.nn.init.constant_(latent.log_variance.bias, 2 * math.log(std))
    return latent


def exact_kl(latent: SparsePrior, mean: float, std: float) -> float:
    """By quadrature of the latent's own densities."""
    value = np.unique(np.concatenate([np.linspace(mean - 10 * std, mean + 10 * std, 2_001), np.linspace(-1, 1, 801)]))
    with torch.no_grad():
        z = latent(torch.zeros(2), {"z": torch.from_numpy(value).unsqueeze(-1)})["z"]
    return float(integrate.trapezoid((z.log_q.exp() * (z.log_q - z.log_p)).numpy(), value))


def test_scores_equal_scipys() -> None:
    latent, h = SparsePrior(6, size=3, gamma=0.7, spike=0.1), torch.randn(8, 6)
    z = latent(h)["z"]
    value = z.value.detach().numpy()
    prior = np.log(0.7 * stats.norm(0, 0.1).pdf(value) + 0.3 * stats.norm(0, 1).pdf(value)).sum(-1)
    assert np.allclose(z.log_p.detach().numpy(), prior, atol=1e-4)
    posterior = Normal(latent.location(h), (latent.log_variance(h) / 2).exp())
    assert torch.allclose(z.log_q, posterior.log_prob(z.value).sum(-1), atol=1e-4)


@pytest.mark.parametrize(("mean", "std"), [(0.0, 0.053), (1.0, 0.3), (0.2, 1.0)])
def test_the_sampled_kl_is_unbiased_and_never_clamped(mean: float, std: float) -> None:
    latent = fixed(mean, std)
    kl = latent(torch.zeros(50_000, 2))["z"].kl
    assert_mean(kl, exact_kl(latent, mean, std), rounding=1e-4)
    assert (kl < 0).any()


@pytest.mark.parametrize(("gamma", "floor"), [(0.5, 0.4538), (0.8, 0.1885), (0.9, 0.0893)])
def test_no_gaussian_reaches_the_prior(gamma: float, floor: float) -> None:
    def kl(point: np.ndarray) -> float:
        mean, std = float(point[0]), math.exp(point[1])
        return exact_kl(fixed(mean, std, gamma), mean, std)

    starts = [(0.1, math.log(0.05)), (0.3, 0.0)]
    best = min((optimize.minimize(kl, at, method="Nelder-Mead") for at in starts), key=lambda found: found.fun)
    assert best.fun == pytest.approx(floor, abs=6e-5)
    assert best.x[0] == pytest.approx(0, abs=1e-3)
    std = {0.5: 0.861, 0.8: 0.053, 0.9: 0.0515}[gamma]  # as wide as the slab where the spike weighs little
    assert math.exp(best.x[1]) == pytest.approx(std, abs=1e-3)


def mean_kernel(variances: dict[float, float]) -> float:
    """E sum_s 2 s / (2 s + d^2) for d drawn from a mixture of N(0, variance), by quadrature."""

    def kernel(distance: float, variance: float) -> float:
        return sum(2 * s / (2 * s + distance**2) for s in SCALES) * stats.norm(0, math.sqrt(variance)).pdf(distance)

    return sum(
        share * 2 * integrate.quad(kernel, 0, 12 * math.sqrt(variance), args=(variance,))[0]
        for variance, share in variances.items()
    )


def discrepancy_of_a_normal(gamma: float, spike: float) -> float:
    within_normal = mean_kernel({2.0: 1.0})
    across = mean_kernel({2.0: 1 - gamma, 1 + spike**2: gamma})
    mixed = {2.0: (1 - gamma) ** 2, 1 + spike**2: 2 * gamma * (1 - gamma), 2 * spike**2: gamma**2}
    return within_normal + mean_kernel(mixed) - 2 * across


def penalties(latent: SparsePrior, draw: Tensor) -> Tensor:
    """The penalty of each of many batches (N, B, C)."""
    nothing = torch.zeros(draw.shape[1])
    found = [latent.penalty("mmd", nothing, {"z": Variable(z, *[lambda: nothing] * 3)}) for z in draw]
    return torch.stack(found).detach()


def test_codes_that_follow_the_prior_cost_nothing_on_average() -> None:
    latent = SparsePrior(2, size=32)
    found = penalties(latent, latent.prior_sample((100, 64))["z"])
    assert_mean(found, 0.0, errors=3.0)
    assert found.std() < 0.15


def test_dense_codes_cost_what_the_formula_says() -> None:
    expected = 32 * discrepancy_of_a_normal(0.8, 0.05)
    assert expected == pytest.approx(27, abs=0.5)
    assert_mean(penalties(SparsePrior(2, size=32), torch.randn(100, 64, 32)), expected, errors=3.0)


def test_the_discrepancy_pulls_dense_codes_towards_the_prior() -> None:
    z = torch.randn(64, 1, requires_grad=True)
    latent, nothing = SparsePrior(2, size=1, gamma=0.95), torch.zeros(64)
    pull = torch.autograd.grad(latent.penalty("mmd", nothing, {"z": Variable(z, *[lambda: nothing] * 3)}), z)[0]
    assert (pull * z).sum() > 0


@pytest.mark.parametrize("x", [0.0, 0.4, -2.0])
def test_importance_weights_are_unbiased(x: float) -> None:
    """Under p(x|z) = N(x; 1.5 z, 0.5^2), whose evidence is a mixture of two normal densities."""
    z = fixed(0.3, 1.2)(torch.zeros(200_000, 2))["z"]
    log_weight = Normal(1.5 * z.value.squeeze(-1), 0.5).log_prob(torch.tensor(x)) + z.log_p - z.log_q
    spread = [math.sqrt(1.5**2 * std**2 + 0.5**2) for std in (0.05, 1.0)]
    evidence = 0.8 * stats.norm(0, spread[0]).pdf(x) + 0.2 * stats.norm(0, spread[1]).pdf(x)
    assert_mean(log_weight.double().exp() / evidence, 1.0)


def test_prior_draws_are_of_the_spike_with_probability_gamma() -> None:
    draws = SparsePrior(2, size=3, gamma=0.9, spike=1e-3).prior_sample((20_000,))["z"]
    assert_mean((draws.abs() < 5e-3).double(), 0.9, rounding=1e-3)


def test_without_a_spike_the_prior_is_normal() -> None:
    z = SparsePrior(6, size=3, gamma=0.0)(torch.randn(8, 6))["z"]
    assert torch.allclose(z.log_p, Normal(0.0, 1.0).log_prob(z.value).sum(-1), atol=1e-5)
    z.kl.sum().backward()
