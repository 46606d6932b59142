"""The clamped Beta distribution: closed forms, masses on its limits, sampler and gradient."""

import math

import numpy as np
import pytest
import torch
from scipy import integrate, stats
from torch.distributions import kl_divergence

from tests.support.statistics import assert_mean
from uncollapse.models.distributions.clamped_beta import HIGH, LOW, ClampedBeta

SHAPES = [(0.05, 0.05), (0.05, 30.0), (0.5, 0.5), (2.0, 3.0), (4.0, 1.0), (100.0, 0.05), (30.0, 30.0)]


def beta(a: float, b: float) -> ClampedBeta:
    return ClampedBeta(torch.tensor([a], dtype=torch.float64), torch.tensor([b], dtype=torch.float64))


@pytest.mark.parametrize(
    ("q", "p", "expected"),
    [
        ((0.5, 0.5), (4, 1), 3.0142),
        ((2, 3), (1, 4), 0.59861),
        ((30, 30), (10, 1), 5.3412),
        ((100, 0.5), (4, 1), 3.1458),
    ],
)
def test_kl_has_its_tabled_values(q: tuple[float, float], p: tuple[float, float], expected: float) -> None:
    digits = len(str(expected).split(".")[1])
    assert kl_divergence(beta(*q), beta(*p)).item() == pytest.approx(expected, abs=0.6 * 10**-digits)


@pytest.mark.parametrize(("a", "b"), [*SHAPES, (0.7, 1e3), (0.3, 1e4)])
def test_masses_on_the_limits_and_the_density_between_sum_to_one(a: float, b: float) -> None:
    distribution, law = beta(a, b), stats.beta(a, b)
    low, high = (distribution.log_prob(torch.tensor([at], dtype=torch.float64)).exp().item() for at in (LOW, HIGH))
    assert low == pytest.approx(law.cdf(LOW), rel=1e-4)
    assert high == pytest.approx(law.sf(HIGH), rel=1e-4)
    logit = np.linspace(np.log(LOW), -np.log(LOW), 200_001)[1:-1]
    inside = 1 / (1 + np.exp(-logit))
    inside = inside[(inside > LOW) & (inside < HIGH)]
    density = distribution.log_prob(torch.from_numpy(inside).unsqueeze(-1)).exp().numpy()
    assert low + high + integrate.trapezoid(density, inside) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(("a", "b"), SHAPES)
def test_density_inside_equals_scipys(a: float, b: float) -> None:
    value = np.linspace(0.001, 0.999, 50)
    scores = beta(a, b).log_prob(torch.from_numpy(value).unsqueeze(-1))
    assert np.allclose(scores.numpy(), stats.beta(a, b).logpdf(value), rtol=1e-10)


@pytest.mark.parametrize(("a", "b"), SHAPES)
def test_draws_follow_their_law(a: float, b: float) -> None:
    draws = beta(a, b).rsample((20_000,)).squeeze(-1)
    assert (draws >= LOW).all()
    assert (draws <= HIGH).all()
    law = stats.beta(a, b)
    for limit, probability in ((LOW, law.cdf(LOW)), (0.4, law.cdf(0.4)), (0.6, law.cdf(0.6))):
        assert_mean((draws <= limit).double(), float(probability), rounding=2e-4)
    assert_mean((draws >= HIGH).double(), float(law.sf(HIGH)), rounding=2e-4)


@pytest.mark.parametrize("shape", [0.02, 0.05])
def test_the_sampler_is_sound_at_the_least_shapes(shape: float) -> None:
    """torch's own draws 0.245 of Beta(0.001, 0.001) from (0.4, 0.6), where 0.0004 belong; at 0.02 it is still right."""
    draws = beta(shape, shape).rsample((200_000,)).squeeze(-1)
    law = stats.beta(shape, shape)
    middle = ((draws > 0.4) & (draws < 0.6)).double()
    assert 0.005 < middle.mean() < 0.03
    assert_mean(middle, float(law.cdf(0.6) - law.cdf(0.4)))
    assert_mean(draws, 0.5, rounding=2e-5)
    for limit in (1e-4, 0.01, 0.1, 0.9):
        assert_mean((draws <= limit).double(), float(law.cdf(limit)))


def test_limits_survive_float32() -> None:
    narrow = torch.tensor([LOW, HIGH], dtype=torch.float32)
    assert narrow.double().tolist() == [LOW, HIGH]
    assert (1 - narrow).double().tolist() == [HIGH, LOW]


@pytest.mark.parametrize(("q", "p"), [((0.05, 0.05), (0.5, 0.5)), ((0.3, 0.1), (1.0, 1.0)), ((1.0, 2.0), (2.0, 2.0))])
def test_importance_weights_average_to_one(q: tuple[float, float], p: tuple[float, float]) -> None:
    proposal, target = beta(*q), beta(*p)
    draws = proposal.rsample((200_000,)).float()
    assert_mean((target.log_prob(draws) - proposal.log_prob(draws)).exp(), 1.0)


@pytest.mark.parametrize(("q", "p"), [((0.05, 0.05), (4.0, 1.0)), ((0.3, 0.2), (0.5, 2.0)), ((2.0, 3.0), (1.0, 4.0))])
def test_kl_exceeds_that_of_the_clamped_by_what_the_limits_hide(q: tuple[float, float], p: tuple[float, float]) -> None:
    proposal, target = beta(*q), beta(*p)
    masses = stats.beta(*q).cdf(LOW), stats.beta(*q).sf(HIGH)
    ratios = p[0] / q[0], p[1] / q[1]
    hidden = sum(mass * (ratio - 1 - math.log(ratio)) for mass, ratio in zip(masses, ratios, strict=True))
    draws = proposal.rsample((200_000,))
    charged = kl_divergence(proposal, target).item()
    assert_mean(proposal.log_prob(draws) - target.log_prob(draws), charged - hidden, rounding=1e-3)


@pytest.mark.parametrize(("a", "b"), [(0.05, 0.05), (0.3, 0.3), (2.0, 3.0), (30.0, 30.0)])
def test_pathwise_gradient_is_that_of_the_mean(a: float, b: float) -> None:
    shape = torch.full((40_000, 1), a, dtype=torch.float64, requires_grad=True)
    draws = ClampedBeta(shape, torch.full_like(shape, b)).rsample()
    gradient = torch.autograd.grad(draws.sum(), shape)[0]
    assert_mean(gradient, b / (a + b) ** 2, rounding=1e-4)


def test_gradients_are_finite_at_the_floor_of_the_shapes() -> None:
    for a, b in [(0.05, 0.05), (0.05, 500.0), (500.0, 0.05), (1e4, 1e4)]:
        shapes = torch.tensor([[a], [b]]).expand(2, 5_000).clone().requires_grad_()
        distribution = ClampedBeta(shapes[0].unsqueeze(-1), shapes[1].unsqueeze(-1))
        draws = distribution.rsample()
        total = draws.sum() + distribution.log_prob(draws).sum() + kl_divergence(distribution, beta(4.0, 1.0)).sum()
        assert torch.autograd.grad(total, shapes)[0].isfinite().all()
