"""Angles between draws of a von Mises-Fisher distribution and its mean direction. Shapes: * batch; n nodes."""

from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.distributions import Beta

_NODES = 48
_HALVINGS = 14
_NEGLIGIBLE = 40.0  # nats below the density at hand, from where on a tail weighs less than rounding


def sample_cosine(dimension: int, concentration: Tensor) -> Tensor:
    """Draw w = mu^T z, exactly, by rejection (Wood, 1994): concentrations (*) -> cosines (*) in float64.

    Each round draws once for every cosine still rejected, so that draws depend on the generator and the inputs alone.
    A concentration that is NaN gives NaN.
    """
    kappa = concentration.double().flatten()
    cosine = torch.empty_like(kappa)
    pending = torch.arange(kappa.numel(), device=kappa.device)
    while pending.numel():
        proposal, accepted = propose(dimension - 1, kappa[pending])
        cosine[pending] = proposal
        pending = pending[~accepted]
    return cosine.view(concentration.shape)


def propose(m: int, kappa: Tensor) -> tuple[Tensor, Tensor]:
    b = m / (2 * kappa + (4 * kappa.square() + m**2).sqrt())
    centre = (1 - b) / (1 + b)
    ceiling = kappa * centre + m * (4 * b / (1 + b).square()).log()
    half = torch.full_like(kappa, m / 2)
    epsilon = Beta(half, half, validate_args=False).sample()
    cosine = (1 - (1 + b) * epsilon) / (1 - (1 - b) * epsilon)
    log_ratio = kappa * cosine + m * torch.log1p(-centre * cosine) - ceiling
    rejected = log_ratio < torch.rand_like(kappa).log()  # never true of NaN, which must end the rounds too
    return cosine, ~rejected


def sine_of(cosine: Tensor) -> Tensor:
    """Return sqrt(1 - w^2), free of rounding below 0: (*) -> (*)."""
    return (1 - cosine.square()).clamp_min(0.0).sqrt()


class Polar(torch.autograd.Function):
    """(kappa, A(kappa), w) -> (cos, sin) of the angle at hand, with its derivative by kappa: each (*) in float64.

    Implicit reparameterisation (Figurnov et al., 2018): the angle moves with kappa so that its distribution function
    stays what it is, which makes the gradients of expectations unbiased.
    """

    @staticmethod
    def forward(ctx: Any, dimension: int, concentration: Tensor, resultant: Tensor, cosine: Tensor) -> Any:
        sine = sine_of(cosine)
        ctx.dimension = dimension
        ctx.save_for_backward(concentration, resultant, cosine, sine)
        return cosine.clone(), sine

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, by_cosine: Tensor, by_sine: Tensor) -> Any:
        *_, cosine, sine = ctx.saved_tensors
        slope = angle_derivative(ctx.dimension, *ctx.saved_tensors)
        return None, slope * (by_sine * cosine - by_cosine * sine), None, None


def angle_derivative(dimension: int, concentration: Tensor, resultant: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Return d theta / d kappa at a fixed value of the distribution function, w = cos theta: (*) -> (*) in float64.

    It is -int_0^theta (cos t - A) g(t) dt, or int_theta^pi of the same, g(t) = exp(kappa (cos t - cos theta)) (sin t /
    sin theta)^{d-2}. The side on which cos t - A keeps its sign is integrated, so that nothing cancels, by
    Gauss-Legendre as far as g matters: to 1e-10 of itself for d from 3 to 1024 and kappa from 1e-3 to 1e4, and on the
    circle, where w comes so near to 1 that it does not hold its sine, to 1e-4.
    """
    theta = torch.atan2(sine, cosine)

    def log_g(angle: Tensor, unsqueezed: bool) -> Tensor:
        kappa, w, s = (value.unsqueeze(-1) if unsqueezed else value for value in (concentration, cosine, sine))
        return kappa * (angle.cos() - w) + (dimension - 2) * (angle.sin() / s).log()

    end = torch.where(cosine > resultant, 0.0, np.pi).to(theta)
    inside = theta
    for _ in range(_HALVINGS):
        middle = (inside + end) / 2
        matters = log_g(middle, False) > -_NEGLIGIBLE
        inside, end = torch.where(matters, middle, inside), torch.where(matters, end, middle)
    nodes, weights = (torch.from_numpy(values).to(theta) for values in _legendre())
    angle = theta.unsqueeze(-1) + (end - theta).unsqueeze(-1) * nodes
    integrand = (angle.cos() - resultant.unsqueeze(-1)) * log_g(angle, True).exp()
    return torch.where(sine == 0, 0.0, (end - theta) * (integrand @ weights))


@lru_cache(maxsize=1)
def _legendre() -> tuple[np.ndarray, np.ndarray]:
    """Return nodes and weights on [0, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return (nodes + 1) / 2, weights / 2
