"""The uniform distribution on the unit sphere. Shapes: * batch; C dimension of the space."""

import math
from typing import ClassVar

import torch
from torch import Size, Tensor
from torch.distributions import Distribution
from torch.nn.functional import normalize
from torch.types import _size


def log_sphere_area(dimension: int) -> float:
    """Return log(2 pi^{d/2} / Gamma(d/2)), the surface of the unit sphere in d dimensions."""
    return math.log(2) + dimension / 2 * math.log(math.pi) - math.lgamma(dimension / 2)


class HypersphericalUniform(Distribution):
    """p(z) = Gamma(d/2) / (2 pi^{d/2}) on S^{d-1}, with respect to the surface measure."""

    arg_constraints: ClassVar[dict] = {}
    has_rsample = False

    def __init__(self, dimension: int, batch_shape: _size = ()) -> None:
        self.dimension = dimension
        super().__init__(Size(batch_shape), Size([dimension]), validate_args=False)

    def sample(self, sample_shape: _size = ()) -> Tensor:
        """Draw unit vectors (*sample, *, C) from the global generator."""
        return normalize(torch.randn(self._extended_shape(sample_shape)), dim=-1)

    def log_prob(self, value: Tensor) -> Tensor:
        """Return the constant log density in nats: (*, C) -> (*)."""
        return value.new_full(value.shape[:-1], -log_sphere_area(self.dimension))
