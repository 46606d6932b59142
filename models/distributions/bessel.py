"""Modified Bessel functions of the first kind, in logarithms and ratios, for orders from 0 to thousands.

The uniform (Olver) expansion in the order is exact to 1e-11 from order 64 on. Lower orders are reached from there
by the backward recurrence of I_{v+1}/I_v, which is the continued fraction started at an accurate tail: it contracts
errors, never overflows, and is differentiable. All in float64.
"""

import math

import torch
from torch import Tensor

_UNIFORM_ORDER = 64
_FEWEST_STEPS = 8

# Coefficients of t^k, t^(k+2), ... in u_k(t), Abramowitz and Stegun 9.3.9.
_EXPANSION = (
    (1.0,),
    (3 / 24, -5 / 24),
    (81 / 1152, -462 / 1152, 385 / 1152),
    (30375 / 414720, -369603 / 414720, 765765 / 414720, -425425 / 414720),
    (
        4465125 / 39813120,
        -94121676 / 39813120,
        349922430 / 39813120,
        -446185740 / 39813120,
        185910725 / 39813120,
    ),
)


def iv_ratio(order: float, x: Tensor) -> Tensor:
    """Return I_{order+1}(x) / I_order(x), in float64 and of the shape of x."""
    return _ratios(order, x.double())[1][-1]


def log_iv_and_ratio(order: float, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return log I_order(x) and I_{order+1}(x) / I_order(x) of one recurrence, in float64 and of the shape of x."""
    top, ratios = _ratios(order, x.double())
    return _log_iv_uniform(top, x.double()) - torch.stack(ratios).log().sum(0), ratios[-1]


def mean_resultant(dimension: int, concentration: Tensor) -> Tensor:
    """Return A_d(kappa) = I_{d/2}(kappa) / I_{d/2-1}(kappa), the expected cosine to the mean direction."""
    return iv_ratio(dimension / 2 - 1, concentration)


def resultant_derivative(dimension: int, concentration: Tensor, resultant: Tensor) -> Tensor:
    """Return dA_d/dkappa = 1 - A^2 - (d-1) A / kappa of the `resultant` A; times kappa, that of the KL to uniform."""
    return 1 - resultant.square() - (dimension - 1) * resultant / concentration


def _ratios(order: float, x: Tensor) -> tuple[float, list[Tensor]]:
    """Return a high order and I_{v+1}/I_v for every order v from below it down to `order`."""
    steps = max(_FEWEST_STEPS, math.ceil(_UNIFORM_ORDER - order))
    top = order + steps
    ratio = (_log_iv_uniform(top + 1, x) - _log_iv_uniform(top, x)).exp()
    ratios = []
    for step in range(steps, 0, -1):
        ratio = 1 / (2 * (order + step) / x + ratio)
        ratios.append(ratio)
    return top, ratios


def _log_iv_uniform(order: float, x: Tensor) -> Tensor:
    r = (1 + (x / order).square()).sqrt()
    t = 1 / r
    eta = r + (x / order / (1 + r)).log()
    series = sum((_polynomial(row, t) * (t / order) ** k for k, row in enumerate(_EXPANSION)), torch.zeros_like(x))
    return order * eta - 0.5 * (math.log(2 * math.pi * order) + r.log()) + series.log()


def _polynomial(coefficients: tuple[float, ...], t: Tensor) -> Tensor:
    """Evaluate c_0 + c_1 t^2 + c_2 t^4 + ..."""
    value = torch.zeros_like(t)
    for coefficient in reversed(coefficients):
        value = value * t.square() + coefficient
    return value
