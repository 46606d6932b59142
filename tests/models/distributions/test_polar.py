"""How the angle of a von Mises-Fisher draw moves with the concentration."""

import math

import pytest
import torch
from scipy import integrate, optimize
from torch import Tensor

from tests.support.statistics import assert_mean
from uncollapse.models.distributions.bessel import mean_resultant, resultant_derivative
from uncollapse.models.distributions.polar import Polar, angle_derivative, sample_cosine, sine_of

CORNERS = [(dimension, kappa) for dimension in (2, 3, 25, 1024) for kappa in (1e-3, 1.0, 80.0, 1e4)]


def derivative(dimension: int, kappa: float, cosine: Tensor) -> Tensor:
    at = torch.full_like(cosine, kappa)
    return angle_derivative(dimension, at, mean_resultant(dimension, at), cosine, sine_of(cosine))


def angle_at(dimension: int, kappa: float, share: float) -> float:
    """The angle below which `share` of the draws lie."""

    def density(angle: float) -> float:
        return math.exp(kappa * (math.cos(angle) - 1)) * math.sin(angle) ** (dimension - 2)

    def mass(angle: float) -> float:
        return float(integrate.quad(density, 0, angle, epsabs=0, epsrel=1e-12, limit=200)[0])

    whole = mass(math.pi)
    return float(optimize.brentq(lambda angle: mass(angle) / whole - share, 1e-9, math.pi, xtol=1e-13, rtol=1e-13))


@pytest.mark.parametrize(("dimension", "kappa"), [(2, 5.0), (3, 1.0), (5, 2.0), (25, 40.0), (50, 80.0)])
@pytest.mark.parametrize("share", [0.01, 0.3, 0.5, 0.9])
def test_the_angle_moves_so_that_its_distribution_function_stays(dimension: int, kappa: float, share: float) -> None:
    step = 1e-3 * kappa
    below, at, above = (angle_at(dimension, kappa + shift, share) for shift in (-step, 0.0, step))
    found = derivative(dimension, kappa, torch.tensor([math.cos(at)], dtype=torch.float64))
    assert found.item() == pytest.approx((above - below) / (2 * step), rel=1e-5)


@pytest.mark.parametrize(("dimension", "kappa"), CORNERS)
def test_the_mean_cosine_moves_as_the_mean_resultant_does(dimension: int, kappa: float) -> None:
    at = torch.tensor(kappa, dtype=torch.float64)
    cosine = sample_cosine(dimension, at.expand(20_000))
    moved = -sine_of(cosine) * derivative(dimension, kappa, cosine)
    assert (moved >= 0).all()
    assert_mean(moved, resultant_derivative(dimension, at, mean_resultant(dimension, at)), rounding=1e-12)


def test_the_function_has_the_derivative_of_both_its_values() -> None:
    kappa = torch.tensor([2.0, 30.0, 30.0], dtype=torch.float64, requires_grad=True)
    cosine = torch.tensor([-0.3, 0.9, 1.0], dtype=torch.float64)
    found = Polar.apply(5, kappa, mean_resultant(5, kappa.detach()), cosine)
    assert torch.equal(found[0], cosine)
    assert torch.equal(found[1], sine_of(cosine))
    slopes = torch.cat([derivative(5, 2.0, cosine[:1]), derivative(5, 30.0, cosine[1:])])
    by_cosine, by_sine = (torch.autograd.grad(value.sum(), kappa, retain_graph=True)[0] for value in found)
    assert torch.allclose(by_cosine, -sine_of(cosine) * slopes)
    assert torch.allclose(by_sine, cosine * slopes)


@pytest.mark.parametrize(("dimension", "kappa"), CORNERS)
def test_the_poles_and_what_is_near_them_move_finitely(dimension: int, kappa: float) -> None:
    cosine = torch.tensor([1.0, 1 - 2e-16, 1 - 1e-12, -1 + 1e-12, -1.0], dtype=torch.float64)
    found = derivative(dimension, kappa, cosine)
    assert found.isfinite().all()
    assert found[0] == found[-1] == 0
