"""The spike-and-slab mixture against quadrature, its own law and its gradient's known bias."""

import math

import numpy as np
import pytest
import torch
from scipy import integrate, special, stats
from torch import Tensor

from tests.support.statistics import assert_mean
from uncollapse.models.distributions.spike_slab import SpikeAndSlab, kl_bound

SPIKE = 0.05


def mixture(off: float, mean: float, std: float, batch: int = 1) -> SpikeAndSlab:
    off_, mean_, log_variance = (torch.full((batch,), value).double() for value in (off, mean, 2 * math.log(std)))
    return SpikeAndSlab(off_, mean_, log_variance, SPIKE)


def grid() -> torch.Tensor:
    fine, coarse = torch.linspace(-1, 1, 40_001).double(), torch.linspace(-12, 12, 20_001).double()
    return torch.cat([fine, coarse]).unique()


@pytest.mark.parametrize(
    ("off", "mean", "std"), [(0.5, 1.0, 0.3), (0.8, 2.0, 0.1), (0.99, 0.0, 0.05), (0.01, -3.0, 2.0)]
)
def test_density_integrates_to_one_and_equals_scipys(off: float, mean: float, std: float) -> None:
    value = grid()
    density = mixture(off, mean, std).log_prob(value).exp().numpy()
    assert integrate.trapezoid(density, value.numpy()) == pytest.approx(1, abs=1e-5)
    expected = off * stats.norm(0, SPIKE).pdf(value) + (1 - off) * stats.norm(mean, std).pdf(value)
    assert np.allclose(density, expected)


@pytest.mark.parametrize(
    ("off", "mean", "std", "expected", "bound"),
    [(0.5, 1.0, 0.3, 0.5761, 0.6245), (0.8, 2.0, 0.1, 0.7360, 0.7615), (0.8, 0.0, 0.5, 0.0554, 0.0636)],
)
def test_kl_by_quadrature_and_its_bound_have_their_tabled_values(
    off: float, mean: float, std: float, expected: float, bound: float
) -> None:
    value, q, p = grid(), mixture(off, mean, std), mixture(off, 0.0, 1.0)
    log_q, log_p = q.log_prob(value), p.log_prob(value)
    exact = integrate.trapezoid((log_q.exp() * (log_q - log_p)).numpy(), value.numpy())
    assert exact == pytest.approx(expected, abs=6e-5)
    tensors = (torch.full((1,), number).double() for number in (off, mean, 2 * math.log(std)))
    assert kl_bound(*tensors).item() == pytest.approx(bound, abs=6e-5)
    z = mixture(off, mean, std, 100_000).rsample()
    assert_mean(q.log_prob(z) - p.log_prob(z), exact, rounding=1e-4)


@pytest.mark.parametrize(("off", "mean", "std"), [(0.5, 1.0, 0.3), (0.95, -2.0, 1.0), (0.001, 0.0, 1.0)])
def test_draws_follow_the_mixture(off: float, mean: float, std: float) -> None:
    draws = mixture(off, mean, std, 30_000).rsample()

    def cdf(value: np.ndarray) -> np.ndarray:
        return off * stats.norm.cdf(value, 0, SPIKE) + (1 - off) * stats.norm.cdf(value, mean, std)

    assert stats.kstest(draws.numpy(), cdf).pvalue > 0.01
    assert_mean(draws, mixture(off, mean, std).mean.item())


def straight_through_factor(off: float, temperature: float) -> float:
    """Return 2 E[d relaxed / d off; hard indicator 0] under logistic noise: exact would be 1 for E z^2 and spike 0."""

    def integrand(noise: float) -> float:
        relaxed = special.expit((special.logit(off) + noise) / temperature)
        slope = relaxed * (1 - relaxed) / (temperature * off * (1 - off))
        return slope * stats.logistic.pdf(noise)

    return 2 * integrate.quad(integrand, -40, -special.logit(off), points=[-5.0])[0]


@pytest.mark.parametrize("temperature", [0.1, 0.5])
@pytest.mark.parametrize("off", [0.2, 0.5, 0.8, 0.95])
def test_straight_through_gradient_has_its_known_bias(off: float, temperature: float) -> None:
    """E z^2 = off spike^2 + (1 - off) (mean^2 + std^2), of derivative spike^2 - mean^2 - std^2."""
    probability = torch.full((200_000,), off, dtype=torch.float64, requires_grad=True)
    mean, log_variance = torch.ones(200_000).double(), torch.full((200_000,), 2 * math.log(0.1)).double()
    z = SpikeAndSlab(probability, mean, log_variance, 1e-3, temperature).rsample()
    gradient = torch.autograd.grad(z.square().sum(), probability)[0]
    assert_mean(gradient / -(1 + 0.1**2), straight_through_factor(off, temperature), rounding=1e-3)


def relaxed_mixture(off: Tensor, temperature: float) -> SpikeAndSlab:
    """A slab of N(2, 0.1^2) that may be relaxed."""
    mean, log_variance = torch.full_like(off, 2.0), torch.full_like(off, 2 * math.log(0.1))
    return SpikeAndSlab(off, mean, log_variance, 1e-3, temperature, relaxed=True)


def on_share(off: float, temperature: float) -> float:
    """E[1 - indicator] of the binary concrete."""

    def integrand(noise: float) -> float:
        return special.expit(-(special.logit(off) + noise) / temperature) * stats.logistic.pdf(noise)

    return integrate.quad(integrand, -40, 40, points=[-special.logit(off)])[0]


@pytest.mark.parametrize("temperature", [0.1, 0.5, 1.5])
@pytest.mark.parametrize("off", [0.2, 0.8])
def test_a_relaxed_draw_mixes_both_components_as_the_binary_concrete_does(off: float, temperature: float) -> None:
    z = relaxed_mixture(torch.full((100_000,), off, dtype=torch.float64), temperature).rsample()
    assert_mean(z, 2.0 * on_share(off, temperature), rounding=1e-4)
    between = ((z > 0.3) & (z < 1.5)).double().mean()
    assert between > 0.1 * temperature


@pytest.mark.parametrize("off", [0.2, 0.5, 0.95])
def test_the_gradient_of_a_relaxed_draw_is_exact(off: float) -> None:
    probability = torch.full((200_000,), off, dtype=torch.float64, requires_grad=True)
    gradient = torch.autograd.grad(relaxed_mixture(probability, 0.5).rsample().sum(), probability)[0]
    slope = 2.0 * (on_share(off + 1e-4, 0.5) - on_share(off - 1e-4, 0.5)) / 2e-4
    assert_mean(gradient, slope, rounding=1e-3)


def test_a_relaxed_draw_hardens_as_the_temperature_falls() -> None:
    off = torch.full((100_000,), 0.7, dtype=torch.float64)
    z = relaxed_mixture(off, 1e-3).rsample()
    assert_mean((z.abs() < 0.01).double(), 0.7, rounding=1e-3)
    assert_mean(((z - 2).abs() < 0.6).double(), 0.3, rounding=1e-3)


def test_gradients_to_the_slab_are_exact_for_a_draw() -> None:
    mean = torch.full((50_000,), 0.7, dtype=torch.float64, requires_grad=True)
    off, log_variance = torch.full_like(mean, 0.3), torch.zeros_like(mean)
    z = SpikeAndSlab(off, mean, log_variance, SPIKE).rsample()
    gradient = torch.autograd.grad(z.square().sum(), mean)[0]
    assert_mean(gradient, 0.7 * 2 * 0.7)


def test_extreme_values_score_finitely() -> None:
    edge = torch.tensor([2.0**-16, 1 - 2.0**-16])
    scores = SpikeAndSlab(edge, torch.zeros(2), torch.zeros(2), 1e-3).log_prob(torch.tensor([30.0, -30.0]))
    assert scores.isfinite().all()
