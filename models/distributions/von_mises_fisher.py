"""Von Mises-Fisher distributions. Shapes: * batch; C dimension, d in formulas."""

import math
from functools import cached_property, lru_cache
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.distributions import Distribution, register_kl
from torch.nn.functional import normalize
from torch.types import _size

from uncollapse.models.distributions.bessel import log_iv_and_ratio, resultant_derivative
from uncollapse.models.distributions.hyperspherical_uniform import HypersphericalUniform, log_sphere_area
from uncollapse.models.distributions.polar import Polar, sample_cosine, sine_of
from uncollapse.models.distributions.products import dot

LOW, HIGH = 1e-3, 1e4
_SECTIONS, _ROUNDS = 256, 7


class _Radial(torch.autograd.Function):
    """kappa (*) to A_d and log C_d, each (*) in float64: one recurrence forwards, none backwards."""

    @staticmethod
    def forward(ctx: Any, dimension: int, kappa: Tensor) -> Any:
        order = dimension / 2 - 1
        log_iv, resultant = log_iv_and_ratio(order, kappa)
        ctx.dimension = dimension
        ctx.save_for_backward(kappa, resultant)
        return resultant, order * kappa.log() - dimension / 2 * math.log(2 * math.pi) - log_iv

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, by_resultant: Tensor, by_log_normalizer: Tensor) -> Any:
        kappa, resultant = ctx.saved_tensors
        return None, by_resultant * resultant_derivative(
            ctx.dimension, kappa, resultant
        ) - by_log_normalizer * resultant


class Constants(NamedTuple):
    """What depends on dimension and concentration alone: numbers, or a float64 tensor (*) for a concentration each."""

    resultant: Any  # A_d(kappa), the expected cosine to the mean direction
    log_normalizer: Any  # log C_d(kappa)
    kl: Any  # to the uniform distribution, nats

    @classmethod
    def of(cls, dimension: int, concentration: Tensor) -> "Constants":
        """Of concentrations (*), with gradients."""
        kappa = concentration.double()
        resultant, log_normalizer = _Radial.apply(dimension, kappa)
        return cls(resultant, log_normalizer, kappa * resultant + log_normalizer + log_sphere_area(dimension))


def log_normalizer(dimension: int, concentration: Tensor) -> Tensor:
    """Return log C_d(kappa), C_d = kappa^{d/2-1} / ((2 pi)^{d/2} I_{d/2-1}(kappa)), in float64."""
    log_c: Tensor = Constants.of(dimension, concentration).log_normalizer
    return log_c


def kl_to_uniform(dimension: int, concentration: Tensor) -> Tensor:
    """Return kappa A_d(kappa) + log C_d(kappa) + log(2 pi^{d/2} / Gamma(d/2)) in nats, in float64."""
    kl: Tensor = Constants.of(dimension, concentration).kl
    return kl


@lru_cache(maxsize=64)
def constants(dimension: int, concentration: float) -> Constants:
    """Return A_d, log C_d and the KL to uniform as numbers, computed once for each (d, kappa)."""
    kappa = torch.tensor(concentration, dtype=torch.float64)
    return Constants(*(float(value) for value in Constants.of(dimension, kappa)))


@lru_cache(maxsize=64)
def concentration_for(dimension: int, kl: float) -> float:
    """Return the concentration from 1e-3 to 1e4 whose KL to the uniform distribution is `kl` nats.

    ValueError where there is none. The KL rises with the concentration: its root is bracketed ever more narrowly.
    """
    low, high = (math.log(limit) for limit in (LOW, HIGH))
    reach = [constants(dimension, limit).kl for limit in (LOW, HIGH)]
    if not reach[0] <= kl <= reach[1]:
        raise ValueError(
            f"On a sphere in {dimension} dimensions, concentrations from {LOW:g} to {HIGH:g} have KLs from "
            f"{reach[0]:.3g} to {reach[1]:.3g} nats; ask for one of these, found {kl:g}."
        )
    for _ in range(_ROUNDS):
        edges = torch.linspace(low, high, _SECTIONS + 1, dtype=torch.float64)
        section = int((kl_to_uniform(dimension, edges[1:-1].exp()) < kl).sum())
        low, high = float(edges[section]), float(edges[section + 1])
    return math.exp((low + high) / 2)


class VonMisesFisher(Distribution):
    """q(z) = C_d(kappa) exp(kappa mu^T z) on S^{d-1}, with respect to the surface measure.

    Takes unit mean directions (*, C) with C >= 2 and one concentration from 1e-3 to 1e4, ValueError otherwise; or a
    tensor (*) with one each, which its maker keeps in that range, and through which gradients flow too.
    """

    arg_constraints: ClassVar[dict] = {}
    has_rsample = True

    def __init__(self, mean_direction: Tensor, concentration: float | Tensor) -> None:
        if not isinstance(concentration, Tensor) and not LOW <= concentration <= HIGH:
            raise ValueError(f"A concentration must lie between {LOW:g} and {HIGH:g}; {concentration} does not.")
        if mean_direction.shape[-1] < 2:
            raise ValueError("A von Mises-Fisher distribution needs two dimensions or more; this one has one.")
        self.mean_direction = mean_direction
        self.concentration = concentration.double() if isinstance(concentration, Tensor) else float(concentration)
        super().__init__(mean_direction.shape[:-1], mean_direction.shape[-1:], validate_args=False)

    @cached_property
    def constants(self) -> Constants:
        """Return A_d, log C_d and the KL to uniform."""
        if isinstance(self.concentration, Tensor):
            return Constants.of(self.event_shape[0], self.concentration)
        return constants(self.event_shape[0], self.concentration)

    @property
    def mean(self) -> Tensor:
        """Return A_d(kappa) mu: (*, C)."""
        resultant = self.constants.resultant
        if isinstance(resultant, Tensor):
            resultant = resultant.unsqueeze(-1).to(self.mean_direction.dtype)
        return resultant * self.mean_direction

    def rsample(self, sample_shape: _size = ()) -> Tensor:
        """Draw z = w mu + sqrt(1 - w^2) v, v uniform on the tangent sphere; gradients flow through mu and kappa."""
        direction = self.mean_direction.expand(self._extended_shape(sample_shape))
        cosine, sine = (value.unsqueeze(-1) for value in self._draw_polar(direction))
        noise = torch.randn_like(direction)
        tangent = normalize(noise - (noise * direction).sum(-1, keepdim=True) * direction, dim=-1)
        return cosine.to(direction.dtype) * direction + sine.to(direction.dtype) * tangent

    def _draw_polar(self, direction: Tensor) -> tuple[Tensor, Tensor]:
        shape, dimension = direction.shape[:-1], direction.shape[-1]
        kappa = torch.as_tensor(self.concentration, dtype=torch.float64, device=direction.device).expand(shape)
        cosine = sample_cosine(dimension, kappa.detach())
        if not kappa.requires_grad:
            return cosine, sine_of(cosine)
        drawn: tuple[Tensor, Tensor] = Polar.apply(dimension, kappa, self.constants.resultant.expand(shape), cosine)
        return drawn

    def log_prob(self, value: Tensor) -> Tensor:
        """Return the log density in float64 nats, batch shapes broadcast: (*v, C) -> (*)."""
        log_c: Tensor = self.constants.log_normalizer
        return log_c + self.concentration * dot(value, self.mean_direction)


@register_kl(VonMisesFisher, HypersphericalUniform)
def _kl_von_mises_fisher_uniform(q: VonMisesFisher, p: HypersphericalUniform) -> Tensor:
    kl = q.constants.kl
    return kl.expand(q.batch_shape) if isinstance(kl, Tensor) else q.mean_direction.new_full(q.batch_shape, kl)
