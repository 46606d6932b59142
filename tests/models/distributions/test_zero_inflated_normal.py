"""Components that may be exactly zero: masses, divergences, draws and their gradients."""

import math

import numpy as np
import pytest
import torch
from scipy import integrate, stats
from torch.distributions import kl_divergence

from tests.support.statistics import assert_mean
from uncollapse.models.distributions.zero_inflated_normal import ZeroInflatedNormal


def made(on: float, mean: float, std: float, batch: int = 1) -> ZeroInflatedNormal:
    values = (math.log(on / (1 - on)), mean, 2 * math.log(std))
    logit, slab_mean, log_variance = (torch.full((batch, 1), value, dtype=torch.float64) for value in values)
    return ZeroInflatedNormal(logit, slab_mean, log_variance)


CASES = [(0.5, 1.0, 0.3), (0.01, -2.0, 2.0), (0.99, 0.0, 0.05)]


@pytest.mark.parametrize(("on", "mean", "std"), CASES)
def test_the_atom_and_the_density_beside_it_sum_to_one(on: float, mean: float, std: float) -> None:
    distribution, value = made(on, mean, std), np.linspace(mean - 9 * std, mean + 9 * std, 20_000)
    density = distribution.log_prob(torch.from_numpy(value).unsqueeze(-1)).exp().numpy()
    assert np.allclose(density, on * stats.norm(mean, std).pdf(value))
    atom = distribution.log_prob(torch.zeros(1)).exp().item()
    assert atom == pytest.approx(1 - on)
    assert atom + integrate.trapezoid(density, value) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("q", CASES)
@pytest.mark.parametrize("p", CASES)
def test_kl_equals_the_printed_formula_and_monte_carlo(
    q: tuple[float, float, float], p: tuple[float, float, float]
) -> None:
    (on, mean, std), (on_p, mean_p, std_p) = q, p
    slabs = math.log(std_p / std) + (std**2 + (mean - mean_p) ** 2) / (2 * std_p**2) - 0.5
    expected = on * slabs + on * math.log(on / on_p) + (1 - on) * math.log((1 - on) / (1 - on_p))
    assert kl_divergence(made(*q), made(*p)).item() == pytest.approx(expected, abs=1e-9)
    z = made(*q, batch=100_000).rsample()
    assert_mean(made(*q).log_prob(z) - made(*p).log_prob(z), expected, rounding=1e-4)


@pytest.mark.parametrize(("on", "mean", "std"), CASES)
def test_draws_are_exactly_zero_when_off_and_normal_when_on(on: float, mean: float, std: float) -> None:
    draws = made(on, mean, std, 40_000).rsample()
    assert_mean((draws != 0).double(), on)
    assert stats.kstest(draws[draws != 0].numpy(), stats.norm(mean, std).cdf).pvalue > 0.01
    assert_mean(draws, made(on, mean, std).mean.item())


def test_sharp_relaxed_draws_have_nearly_the_same_mean_and_are_not_exact() -> None:
    draws = made(0.3, 2.0, 0.1, 40_000).relaxed_rsample()
    assert_mean(draws, 0.6, rounding=1e-3)
    assert (draws != 0).double().mean() > 0.5


@pytest.mark.parametrize("on", [0.2, 0.5, 0.9])
def test_gradients_to_the_indicator_are_right_for_what_is_linear_in_it(on: float) -> None:
    """d E z / d logit = on (1 - on) mean; the relaxation spreads over 1 / sharpness, far from 0 and 1 here."""
    logit = torch.full((200_000, 1), math.log(on / (1 - on)), dtype=torch.float64, requires_grad=True)
    mean, log_variance = torch.full_like(logit, 1.5).detach(), torch.full_like(logit, -4.0).detach()
    z = ZeroInflatedNormal(logit, mean, log_variance).rsample()
    assert_mean(torch.autograd.grad(z.sum(), logit)[0], on * (1 - on) * 1.5, rounding=1e-3)


def test_gradients_to_the_slab_are_exact_for_a_draw() -> None:
    mean = torch.full((50_000, 1), 0.7, dtype=torch.float64, requires_grad=True)
    z = ZeroInflatedNormal(torch.zeros_like(mean), mean, torch.zeros_like(mean)).rsample()
    assert_mean(torch.autograd.grad(z.square().sum(), mean)[0], 0.5 * 2 * 0.7)


def test_several_components_multiply_and_batches_broadcast() -> None:
    one, other = (ZeroInflatedNormal(*torch.randn(3, rows, 5).double()) for rows in (4, 3))
    z = one.rsample()
    pairs = other.log_prob(z.unsqueeze(-2))
    assert pairs.shape == (4, 3)
    assert kl_divergence(one.apart(), other).shape == (4, 3)
    chosen = other.chosen(torch.tensor([2, 2, 0, 1]))
    assert torch.allclose(chosen.log_prob(z), pairs[range(4), [2, 2, 0, 1]])


def test_extreme_parameters_score_finitely() -> None:
    logit = torch.tensor([[-300.0, 300.0, 0.0]], requires_grad=True)
    distribution = ZeroInflatedNormal(logit, torch.tensor([[50.0, 0.0, 0.0]]), torch.tensor([[-20.0, 20.0, 0.0]]))
    other = ZeroInflatedNormal(torch.zeros(1, 3), torch.zeros(1, 3), torch.zeros(1, 3))
    z = distribution.rsample()
    total = distribution.log_prob(z) + kl_divergence(distribution, other) + z.sum()
    assert total.isfinite().all()
    assert torch.autograd.grad(total.sum(), logit)[0].isfinite().all()
