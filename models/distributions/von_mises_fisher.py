"""Von Mises-Fisher distributions with one fixed concentration. Shapes: * batch; C dimension, d in formulas."""

import math
from functools import lru_cache
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor
from torch.distributions import Beta, Distribution, register_kl
from torch.nn.functional import normalize
from torch.types import _size

from models.distributions.bessel import log_iv, mean_resultant
from models.distributions.hyperspherical_uniform import HypersphericalUniform, log_sphere_area
from models.distributions.products import dot


def log_normalizer(dimension: int, concentration: Tensor) -> Tensor:
    """Return log C_d(kappa), C_d = kappa^{d/2-1} / ((2 pi)^{d/2} I_{d/2-1}(kappa)), in float64."""
    order, kappa = dimension / 2 - 1, concentration.double()
    return order * kappa.log() - dimension / 2 * math.log(2 * math.pi) - log_iv(order, kappa)


def kl_to_uniform(dimension: int, concentration: Tensor) -> Tensor:
    """Return kappa A_d(kappa) + log C_d(kappa) + log(2 pi^{d/2} / Gamma(d/2)) in nats, in float64."""
    kappa = concentration.double()
    mean_term = kappa * mean_resultant(dimension, kappa)
    return mean_term + log_normalizer(dimension, kappa) + log_sphere_area(dimension)


class _Constants(NamedTuple):
    resultant: float
    log_normalizer: float
    kl: float


@lru_cache(maxsize=64)
def _constants(dimension: int, concentration: float) -> _Constants:
    kappa = torch.tensor(concentration, dtype=torch.float64)
    functions = (mean_resultant, log_normalizer, kl_to_uniform)
    return _Constants(*(float(function(dimension, kappa)) for function in functions))


class VonMisesFisher(Distribution):
    """q(z) = C_d(kappa) exp(kappa mu^T z) on S^{d-1}, with respect to the surface measure.

    Takes unit mean directions (*, C) with C >= 2 and a concentration from 1e-3 to 1e4; ValueError otherwise.
    """

    arg_constraints: ClassVar[dict] = {}
    has_rsample = True

    def __init__(self, mean_direction: Tensor, concentration: float) -> None:
        if not 1e-3 <= concentration <= 1e4:
            raise ValueError(f"A concentration must lie between 1e-3 and 1e4; {concentration} does not.")
        if mean_direction.shape[-1] < 2:
            raise ValueError("A von Mises-Fisher distribution needs two dimensions or more; this one has one.")
        self.mean_direction = mean_direction
        self.concentration = float(concentration)
        super().__init__(mean_direction.shape[:-1], mean_direction.shape[-1:], validate_args=False)

    @property
    def constants(self) -> _Constants:
        """Return A_d, log C_d and the KL to uniform, computed once for each (d, kappa)."""
        return _constants(self.event_shape[0], self.concentration)

    @property
    def mean(self) -> Tensor:
        """Return A_d(kappa) mu: (*, C)."""
        return self.constants.resultant * self.mean_direction

    def rsample(self, sample_shape: _size = ()) -> Tensor:
        """Draw z = w mu + sqrt(1 - w^2) v, v uniform on the tangent sphere; the gradient flows through mu."""
        direction = self.mean_direction.expand(self._extended_shape(sample_shape))
        kappa = torch.tensor(self.concentration, dtype=torch.float64, device=direction.device)
        cosine = sample_cosine(direction.shape[-1], kappa.expand(direction.shape[:-1])).unsqueeze(-1)
        sine = (1 - cosine.square()).clamp_min(0.0).sqrt()
        noise = torch.randn_like(direction)
        tangent = normalize(noise - (noise * direction).sum(-1, keepdim=True) * direction, dim=-1)
        return cosine.to(direction.dtype) * direction + sine.to(direction.dtype) * tangent

    def log_prob(self, value: Tensor) -> Tensor:
        """Return the log density in float64 nats, batch shapes broadcast: (*v, C) -> (*)."""
        return self.constants.log_normalizer + self.concentration * dot(value, self.mean_direction)


@register_kl(VonMisesFisher, HypersphericalUniform)
def _kl_von_mises_fisher_uniform(q: VonMisesFisher, p: HypersphericalUniform) -> Tensor:
    return q.mean_direction.new_full(q.batch_shape, q.constants.kl)


def sample_cosine(dimension: int, concentration: Tensor) -> Tensor:
    """Draw w = mu^T z, exactly, by rejection (Wood, 1994): concentrations (*) -> cosines (*) in float64.

    Each round draws once for every cosine still rejected, so that draws depend on the generator and the inputs alone.
    """
    kappa = concentration.double().flatten()
    cosine = torch.empty_like(kappa)
    pending = torch.arange(kappa.numel(), device=kappa.device)
    while pending.numel():
        proposal, accepted = _propose(dimension - 1, kappa[pending])
        cosine[pending] = proposal
        pending = pending[~accepted]
    return cosine.view(concentration.shape)


def _propose(m: int, kappa: Tensor) -> tuple[Tensor, Tensor]:
    b = m / (2 * kappa + (4 * kappa.square() + m**2).sqrt())
    centre = (1 - b) / (1 + b)
    ceiling = kappa * centre + m * (4 * b / (1 + b).square()).log()
    half = torch.full_like(kappa, m / 2)
    epsilon = Beta(half, half, validate_args=False).sample()
    cosine = (1 - (1 + b) * epsilon) / (1 - (1 - b) * epsilon)
    log_ratio = kappa * cosine + m * torch.log1p(-centre * cosine) - ceiling
    return cosine, log_ratio >= torch.rand_like(kappa).log()
