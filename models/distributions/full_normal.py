"""Normal distributions with correlated components. Shapes: * batch; C components; R rows."""

import math
from typing import ClassVar

import torch
from torch import Tensor
from torch.distributions import Distribution
from torch.types import _size

from uncollapse.models.distributions.products import dot


class FullNormal(Distribution):
    """N(mean, L L^T) in float64, of means (*, C) and one lower triangular factor L, (C, C), or one each, (*, C, C)."""

    arg_constraints: ClassVar[dict] = {}
    has_rsample = True

    def __init__(self, mean: Tensor, factor: Tensor) -> None:
        self.location, self.factor = mean.double(), factor.double()
        super().__init__(mean.shape[:-1], mean.shape[-1:], validate_args=False)

    @property
    def mean(self) -> Tensor:
        """Return the mean (*, C)."""
        return self.location

    @property
    def log_determinant(self) -> Tensor:
        """Return log |det L|: scalar, or (*) for a factor each."""
        return self.factor.diagonal(dim1=-2, dim2=-1).abs().log().sum(-1)

    def rsample(self, sample_shape: _size = ()) -> Tensor:
        """Draw (*sample, *, C)."""
        noise = torch.randn(self._extended_shape(sample_shape), dtype=self.location.dtype, device=self.location.device)
        return self.location + torch.einsum("...ij,...j->...i", self.factor, noise)

    def log_prob(self, value: Tensor) -> Tensor:
        """Return the log density in nats, batch shapes broadcast: (*v, C) -> (*).

        Pairs, (N, 1, C) with (1, M, C), cost products alone where one factor serves all.
        """
        identity = torch.eye(self.event_shape[0], dtype=self.factor.dtype, device=self.factor.device)
        inverse = torch.linalg.solve_triangular(self.factor, identity, upper=False)
        value, centre = (torch.einsum("...ij,...j->...i", inverse, point) for point in (value.double(), self.location))
        squares = value.square().sum(-1) + centre.square().sum(-1)
        constant = self.log_determinant + 0.5 * self.event_shape[0] * math.log(2 * math.pi)
        return dot(value, centre) - 0.5 * squares - constant

    def kl_to_standard(self) -> Tensor:
        """Return KL(q || N(0, I)) = (tr L L^T + |mean|^2 - C) / 2 - log |det L| in nats: (*)."""
        trace = self.factor.square().sum((-2, -1))
        return 0.5 * (trace + self.location.square().sum(-1) - self.event_shape[0]) - self.log_determinant


def factor_of(rows: Tensor) -> Tensor:
    """Return a lower triangular L with L L^T = rows^T rows: (*, R, C) -> (*, C, C) in float64, R >= C.

    By QR: a covariance is never formed, so that narrow ones keep their determinant, and NaN passes through.
    """
    triangle: Tensor = torch.linalg.qr(rows.double()).R
    return triangle.mT
