"""Bessel functions against their power series, scipy and the von Mises-Fisher tables."""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy import special

from uncollapse.models.distributions.bessel import (
    iv_ratio,
    log_iv_and_ratio,
    mean_resultant,
    resultant_derivative,
)

ORDERS = (0.0, 0.5, 1.0, 3.5, 11.5, 24.0, 49.0, 99.0, 255.0, 511.0)
ARGUMENTS = (1e-3, 0.1, 1.0, 10.0, 80.0, 500.0, 1e4)


def power_series(order: float, x: float) -> float:
    """log I_v(x) = log sum_k (x/2)^(2k+v) / (k! Gamma(k+v+1)), whose terms are all positive."""
    k = np.arange(int(60 + 2 * x))
    return float(
        special.logsumexp((2 * k + order) * math.log(x / 2) - special.gammaln(k + 1) - special.gammaln(k + order + 1))
    )


@pytest.mark.parametrize(("order", "x"), list(itertools.product(ORDERS, ARGUMENTS)))
def test_log_iv_equals_its_power_series(order: float, x: float) -> None:
    assert log_iv_and_ratio(order, torch.tensor(x))[0].item() == pytest.approx(
        power_series(order, float(np.float32(x))), abs=2e-10, rel=1e-12
    )


@pytest.mark.parametrize("order", [0.0, 0.5, 1.0, 11.5, 24.0])
def test_log_iv_equals_scipy_where_scipy_has_range(order: float) -> None:
    x = torch.logspace(-1, 4, 60, dtype=torch.float64)
    expected = np.log(special.ive(order, x.numpy())) + x.numpy()
    assert np.abs(log_iv_and_ratio(order, x)[0].numpy() - expected).max() < 1e-10


@pytest.mark.parametrize("order", ORDERS)
def test_gradient_of_log_iv_is_the_ratio(order: float) -> None:
    x = torch.logspace(-3, 4, 29, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(log_iv_and_ratio(order, x)[0].sum(), x)
    assert torch.allclose(gradient, iv_ratio(order, x) + order / x, rtol=1e-8)


@pytest.mark.parametrize(
    ("dimension", "kappa", "expected"),
    [
        (3, 1.0, 0.313035),
        (3, 10.0, 0.900000),
        (25, 25.0, 0.624205),
        (50, 35.0, 0.517125),
        (50, 80.0, 0.738287),
        (100, 40.0, 0.351377),
        (100, 200.0, 0.782215),
        (25, 10.0, 0.3531),
        (32, 20.0, 0.4841),
        (32, 100.0, 0.8563),
        (32, 200.0, 0.9253),
        (50, 10.0, 0.1928),
        (50, 150.0, 0.8495),
        (100, 10.0, 0.0990),
        (200, 100.0, 0.4146),
        (200, 200.0, 0.6188),
    ],
)
def test_mean_resultant_has_its_tabled_values(dimension: int, kappa: float, expected: float) -> None:
    digits = len(f"{expected:.6f}".rstrip("0")) - 2
    assert mean_resultant(dimension, torch.tensor(kappa)).item() == pytest.approx(
        expected, abs=0.6 * 10 ** -max(digits, 4)
    )


@pytest.mark.parametrize("dimension", [2, 3, 10, 50, 200, 1024])
def test_mean_resultant_equals_the_continued_fraction(dimension: int) -> None:
    for kappa in (1e-3, 1.0, 40.0, 700.0):
        fraction = 0.0
        for term in range(int(200 + 2 * kappa), 0, -1):
            fraction = 1 / (2 * (dimension / 2 - 1 + term) / kappa + fraction)
        assert mean_resultant(dimension, torch.tensor(kappa, dtype=torch.float64)).item() == pytest.approx(
            fraction, rel=1e-11
        )


def test_mean_resultant_in_three_dimensions_is_langevins() -> None:
    kappa = torch.logspace(-1, 4, 40, dtype=torch.float64)
    assert torch.allclose(mean_resultant(3, kappa), 1 / torch.tanh(kappa) - 1 / kappa, rtol=1e-10)


@pytest.mark.parametrize(
    ("dimension", "kappa", "expected"),
    [(5, 2.0, 0.147389), (50, 80.0, 0.002732), (50, 80.0, 0.218587 / 80), (100, 200.0, 0.188793 / 200)],
)
def test_derivative_of_the_mean_resultant(dimension: int, kappa: float, expected: float) -> None:
    at = torch.tensor(kappa, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(mean_resultant(dimension, at), at)
    derivative = resultant_derivative(dimension, at, mean_resultant(dimension, at)).item()
    assert derivative == pytest.approx(expected, abs=6e-7)
    assert derivative == pytest.approx(gradient.item(), rel=1e-8)


@pytest.mark.parametrize("order", ORDERS)
def test_the_ratio_beside_the_value_is_that_of_its_own_function(order: float) -> None:
    x = torch.logspace(-3, 4, 29, dtype=torch.float64)
    assert torch.equal(log_iv_and_ratio(order, x)[1], iv_ratio(order, x))
