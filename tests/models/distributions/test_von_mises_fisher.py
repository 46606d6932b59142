"""The von Mises-Fisher distribution: constants, sampler, density and gradient."""

import math

import numpy as np
import pytest
import torch
from scipy import integrate, optimize, stats
from torch.distributions import kl_divergence
from torch.nn.functional import normalize

from tests.support.statistics import assert_mean
from uncollapse.models.distributions.bessel import mean_resultant, resultant_derivative
from uncollapse.models.distributions.hyperspherical_uniform import HypersphericalUniform, log_sphere_area
from uncollapse.models.distributions.polar import propose, sample_cosine
from uncollapse.models.distributions.von_mises_fisher import (
    VonMisesFisher,
    concentration_for,
    kl_to_uniform,
    log_normalizer,
)

EXACT_KL = [
    (3, 1, 0.1515959),
    (3, 10, 1.9957323),
    (25, 25, 6.090855),
    (50, 35, 7.743044),
    (50, 80, 19.515208),
    (100, 40, 6.581419),
    (100, 200, 47.085649),
]
KL_AND_GUU = [
    (25, 10, 1.6573, 1.5699),
    (25, 40, 9.7959, 9.8590),
    (25, 100, 18.8025, 19.4294),
    (32, 20, 4.2459, 4.1291),
    (32, 100, 20.7585, 21.2078),
    (32, 200, 30.3733, 31.3612),
    (50, 10, 0.9466, 0.9138),
    (50, 40, 9.2364, 9.1290),
    (50, 80, 19.5152, 19.5847),
    (50, 150, 31.6003, 32.0243),
    (100, 10, 0.4928, 0.4834),
    (100, 40, 6.5814, 6.4936),
    (100, 80, 18.4112, 18.3059),
    (100, 200, 47.0856, 47.2658),
    (200, 100, 18.8506, 18.7456),
    (200, 200, 48.1953, 48.1223),
]
KAPPA_FOR_KL = {
    25: (7.5, 14.6, 21.2, 40.9, 112, 273, 1492),
    32: (8.4, 15.9, 22.5, 40.4, 94, 195, 748),
    50: (10.3, 18.9, 25.9, 42.6, 82, 139, 348),
    100: (14.4, 25.6, 34.1, 51.9, 85, 122, 216),
    200: (20.1, 35.4, 46.4, 68.1, 104, 137, 207),
}
SETTINGS = [
    (2, 1e-3),
    (2, 5.0),
    (2, 1e4),
    (3, 1.0),
    (5, 2.0),
    (25, 40.0),
    (50, 80.0),
    (100, 200.0),
    (1024, 1e-3),
    (1024, 1e4),
]


def kl(dimension: int, kappa: float) -> float:
    return kl_to_uniform(dimension, torch.tensor(kappa, dtype=torch.float64)).item()


def cosine_log_density(dimension: int, kappa: float, cosine: np.ndarray) -> np.ndarray:
    """log of exp(kappa w) (1 - w^2)^((d-3)/2) over its maximum on the grid."""
    log = kappa * cosine + (dimension - 3) / 2 * np.log1p(-np.square(cosine))
    return log - log.max()


def direction(dimension: int, *batch: int) -> torch.Tensor:
    return normalize(torch.randn(*batch, dimension), dim=-1)


@pytest.mark.parametrize(("dimension", "kappa", "expected"), EXACT_KL)
def test_kl_has_its_exact_values(dimension: int, kappa: float, expected: float) -> None:
    assert kl(dimension, kappa) == pytest.approx(expected, abs=1e-5)
    distribution = VonMisesFisher(direction(dimension, 4), kappa)
    registered = kl_divergence(distribution, HypersphericalUniform(dimension))
    assert registered.shape == (4,)
    assert torch.allclose(registered, torch.tensor(expected), atol=1e-5)


@pytest.mark.parametrize(("dimension", "kappa", "expected", "guu"), KL_AND_GUU)
def test_kl_has_its_tabled_values_and_guus_is_that_of_two_more_dimensions(
    dimension: int, kappa: float, expected: float, guu: float
) -> None:
    assert kl(dimension, kappa) == pytest.approx(expected, abs=6e-5)
    assert kl(dimension + 2, kappa) == pytest.approx(guu, abs=6e-5)


def test_kl_in_three_dimensions_is_closed() -> None:
    for kappa in (0.1, 1.0, 10.0, 300.0):
        assert kl(3, kappa) == pytest.approx(
            kappa / math.tanh(kappa) - 1 + math.log(kappa / math.sinh(kappa)), abs=1e-11
        )


@pytest.mark.parametrize("dimension", KAPPA_FOR_KL)
def test_concentrations_for_a_kl(dimension: int) -> None:
    for target, expected in zip((1, 3, 5, 10, 20, 30, 50), KAPPA_FOR_KL[dimension], strict=True):
        solved = optimize.brentq(lambda log_kappa, target=target: kl(dimension, math.exp(log_kappa)) - target, 0, 9)
        found = concentration_for(dimension, float(target))
        assert found == pytest.approx(expected, rel=0.007)
        assert found == pytest.approx(math.exp(solved), rel=1e-10)
        assert kl(dimension, found) == pytest.approx(target, rel=1e-12)


def test_a_concentration_for_a_kl_is_the_same_bit_for_bit() -> None:
    first = concentration_for(50, 7.3)
    concentration_for.cache_clear()
    assert concentration_for(50, 7.3) == first


@pytest.mark.parametrize(("dimension", "target"), [(2, 5.1), (25, 73.0), (50, 0.0), (50, 1e-9), (50, math.nan)])
def test_a_kl_out_of_reach_is_refused(dimension: int, target: float) -> None:
    with pytest.raises(ValueError, match="have KLs from"):
        concentration_for(dimension, target)


@pytest.mark.parametrize("dimension", [2, 50, 1024])
def test_the_ends_of_the_reach_are_reached(dimension: int) -> None:
    for limit in (1e-3, 1e4):
        assert concentration_for(dimension, kl(dimension, limit)) == pytest.approx(limit, rel=1e-3)


@pytest.mark.parametrize("dimension", [2, 3, 4, 9, 25, 128, 768, 1024])
def test_kl_is_positive_finite_and_increasing_over_the_whole_range(dimension: int) -> None:
    kappa = torch.logspace(-3, 4, 71, dtype=torch.float64)
    values = kl_to_uniform(dimension, kappa)
    assert values.isfinite().all()
    assert (values > 0).all()
    assert (values.diff() > 0).all()
    small = kappa[:10]
    assert torch.allclose(values[:10], small.square() / (2 * dimension), rtol=1e-2)


@pytest.mark.parametrize(("dimension", "kappa", "expected"), [(50, 80.0, 0.218587), (100, 200.0, 0.188793)])
def test_derivative_of_the_kl_needs_the_mean_resultant_alone(dimension: int, kappa: float, expected: float) -> None:
    at = torch.tensor(kappa, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(kl_to_uniform(dimension, at), at)
    assert gradient.item() == pytest.approx(expected, abs=1e-6)
    assert gradient.item() == pytest.approx(
        (at * resultant_derivative(dimension, at, mean_resultant(dimension, at))).item(), rel=1e-6
    )


@pytest.mark.parametrize(("dimension", "kappa"), [(25, 10.0), (50, 80.0), (100, 200.0)])
def test_kl_equals_quadrature_without_bessel_functions(dimension: int, kappa: float) -> None:
    cosine = np.linspace(-1, 1, 400_001)[1:-1]
    weight = np.exp(cosine_log_density(dimension, kappa, cosine))
    flat = np.exp(cosine_log_density(dimension, 0.0, cosine))
    density = weight / integrate.trapezoid(weight, cosine)
    prior = flat / integrate.trapezoid(flat, cosine)
    inside = (density > 1e-300) & (prior > 1e-300)
    ratio = np.log(density[inside] / prior[inside])
    assert kl(dimension, kappa) == pytest.approx(integrate.trapezoid(density[inside] * ratio, cosine[inside]), abs=1e-5)


@pytest.mark.parametrize(("dimension", "kappa"), SETTINGS)
def test_cosines_have_their_mean_and_variance(dimension: int, kappa: float) -> None:
    at = torch.tensor(kappa, dtype=torch.float64)
    cosine = sample_cosine(dimension, at.expand(40_000))
    assert_mean(cosine, mean_resultant(dimension, at), rounding=1e-12)
    centred = (cosine - mean_resultant(dimension, at)).square()
    assert_mean(centred, resultant_derivative(dimension, at, mean_resultant(dimension, at)), rounding=1e-10)


@pytest.mark.parametrize(("dimension", "kappa"), [(2, 5.0), (3, 1.0), (5, 2.0), (25, 40.0), (50, 80.0), (100, 200.0)])
def test_cosines_follow_their_distribution(dimension: int, kappa: float) -> None:
    cosine = np.cos(np.linspace(np.pi, 0, 200_001)[1:-1])
    angle_density = np.exp(cosine_log_density(dimension, kappa, cosine)) * np.sqrt(1 - cosine**2)
    cdf = np.cumsum(angle_density) / angle_density.sum()
    sample = sample_cosine(dimension, torch.tensor(kappa).expand(20_000)).numpy()
    assert stats.kstest(sample, lambda w: np.interp(w, cosine, cdf)).pvalue > 0.01


def test_cosines_are_those_of_the_uniform_as_the_concentration_vanishes() -> None:
    cosine = sample_cosine(50, torch.tensor(1e-3).expand(40_000))
    assert_mean(cosine, 0.0, rounding=1e-4)
    assert_mean(50 * cosine.square(), 1.0)


def test_cosines_take_a_concentration_each() -> None:
    kappa = torch.tensor([2.0, 200.0]).repeat(20_000, 1)
    assert_mean(sample_cosine(50, kappa), mean_resultant(50, torch.tensor([2.0, 200.0])))


@pytest.mark.parametrize("dimension", [2, 3, 10, 25, 50, 100, 1024])
def test_the_sampler_accepts_two_proposals_of_three(dimension: int) -> None:
    for kappa in (1e-3, 1.0, 5.0, 50.0, 200.0, 1e4):
        accepted = propose(dimension - 1, torch.full((20_000,), kappa, dtype=torch.float64))[1]
        assert accepted.double().mean() > 0.64


@pytest.mark.parametrize(("dimension", "kappa"), SETTINGS)
def test_draws_are_unit_vectors_around_the_mean(dimension: int, kappa: float) -> None:
    mean_direction = direction(dimension)
    distribution = VonMisesFisher(mean_direction, kappa)
    z = distribution.rsample((5_000,))
    assert torch.allclose(z.norm(dim=-1), torch.ones(5_000), atol=1e-5)
    assert_mean(z, distribution.mean, errors=4.5, rounding=1e-6)
    assert distribution.log_prob(z).isfinite().all()


@pytest.mark.parametrize(("dimension", "kappa"), [(3, 10.0), (25, 10.0), (50, 80.0), (100, 200.0)])
def test_kl_equals_monte_carlo(dimension: int, kappa: float) -> None:
    q, p = VonMisesFisher(direction(dimension), kappa), HypersphericalUniform(dimension)
    z = q.rsample((50_000,))
    assert_mean(q.log_prob(z) - p.log_prob(z), kl_divergence(q, p), rounding=1e-5)


@pytest.mark.parametrize("kappa", [1e-3, 1.0, 80.0, 1e4])
def test_density_integrates_to_one_on_the_circle_and_the_sphere(kappa: float) -> None:
    angle = torch.linspace(-math.pi, math.pi, 200_001, dtype=torch.float64)
    circle = torch.stack([angle.cos(), angle.sin()], -1)
    on_circle = VonMisesFisher(torch.tensor([1.0, 0.0]).double(), kappa).log_prob(circle).exp()
    assert torch.trapezoid(on_circle, angle).item() == pytest.approx(1, abs=1e-6)
    polar = angle[angle >= 0]
    sphere = torch.stack([polar.cos(), polar.sin(), torch.zeros_like(polar)], -1)
    on_sphere = VonMisesFisher(torch.tensor([1.0, 0.0, 0.0]).double(), kappa).log_prob(sphere).exp()
    assert torch.trapezoid(2 * math.pi * polar.sin() * on_sphere, polar).item() == pytest.approx(1, abs=1e-6)


def test_a_concentration_each_scores_as_one_for_all_does() -> None:
    kappa = torch.tensor([1e-3, 2.0, 80.0, 1e4], dtype=torch.float64)
    mean_direction, z = direction(20, 4), direction(20, 7)
    together = VonMisesFisher(mean_direction.unsqueeze(1), kappa.unsqueeze(1))
    uniform = HypersphericalUniform(20)
    assert together.log_prob(z.unsqueeze(0)).shape == (4, 7)
    for row, concentration in enumerate(kappa.tolist()):
        alone = VonMisesFisher(mean_direction[row], concentration)
        assert torch.allclose(together.log_prob(z.unsqueeze(0))[row], alone.log_prob(z), rtol=1e-12)
        assert torch.allclose(together.mean[row, 0], alone.mean)
        assert kl_divergence(together, uniform)[row].item() == pytest.approx(kl_divergence(alone, uniform).item())


def test_a_concentration_each_draws_as_one_for_all_does() -> None:
    mean_direction, drawn = direction(20, 9), []
    for concentration in (80.0, torch.full((9,), 80.0), torch.full((9,), 80.0, requires_grad=True)):
        torch.manual_seed(3)
        drawn.append(VonMisesFisher(mean_direction, concentration).rsample((4,)).detach())
    assert torch.equal(drawn[0], drawn[1])
    assert torch.equal(drawn[0], drawn[2])


def test_a_concentration_that_is_nan_draws_nan_and_ends() -> None:
    z = VonMisesFisher(direction(5, 2), torch.tensor([math.nan, 3.0])).rsample()
    assert z[0].isnan().all()
    assert z[1].isfinite().all()


def test_draws_depend_on_seed_and_shape_alone() -> None:
    distribution = VonMisesFisher(direction(50, 33), 80.0)
    draws = []
    for _ in range(2):
        torch.manual_seed(7)
        draws.append(distribution.rsample())
        sample_cosine(5, torch.ones(999))
    assert torch.equal(*draws)
    assert not torch.equal(draws[0], distribution.rsample())


@pytest.mark.parametrize("kappa", [0.0, -1.0, 1e5, math.nan, math.inf])
def test_concentrations_out_of_range_are_refused(kappa: float) -> None:
    with pytest.raises(ValueError, match="concentration"):
        VonMisesFisher(direction(5), kappa)


def test_one_dimension_is_refused() -> None:
    with pytest.raises(ValueError, match="two dimensions"):
        VonMisesFisher(torch.ones(3, 1), 1.0)


def test_averages_of_three_draws_are_more_concentrated_than_what_the_kl_charges() -> None:
    for dimension, kappa, effective, charged in [(25, 25, 57, 6.1), (50, 80, 201, 19.5), (100, 40, 77, 6.6)]:
        mean = (
            normalize(VonMisesFisher(direction(dimension), kappa).rsample((40_000, 3)).mean(1), dim=-1).mean(0).norm()
        )
        solved = optimize.brentq(lambda k, d=dimension, m=mean: (mean_resultant(d, torch.tensor(k)) - m).item(), 1, 1e3)
        assert solved == pytest.approx(effective, rel=0.02)
        assert kl(dimension, kappa) == pytest.approx(charged, abs=0.06)


@pytest.mark.parametrize("dimension", [2, 3, 50])
def test_the_uniform_has_its_area_and_moments(dimension: int) -> None:
    uniform = HypersphericalUniform(dimension, (20_000,))
    z = uniform.sample()
    assert_mean(z, 0.0)
    assert_mean(dimension * z.square(), 1.0)
    area = 2 * math.pi ** (dimension / 2) / math.gamma(dimension / 2)
    assert torch.allclose(uniform.log_prob(z).exp() * area, torch.ones(20_000))
    assert log_sphere_area(dimension) == pytest.approx(math.log(area))
    tiny = torch.tensor(1e-3, dtype=torch.float64)
    assert log_normalizer(dimension, tiny).item() == pytest.approx(-math.log(area), abs=1e-6)
