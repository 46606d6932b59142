"""Spike-and-slab distributions. Shapes: * batch, one component each; all parameters broadcast."""

import math
from typing import ClassVar

import torch
from torch import Size, Tensor
from torch.distributions import Distribution
from torch.types import _size

from uncollapse.models.distributions import diagonal_normal
from uncollapse.models.distributions.products import dot

_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


class SpikeAndSlab(Distribution):
    """off N(0, spike^2) + (1 - off) N(mean, exp(log_variance)): `off` is the probability of the spike.

    A draw is exact, and `temperature` shapes its gradient to `off` alone, which is that of the binary concrete
    relaxation (straight-through, biased: exact as the temperature falls to 0, at a growing variance). A `relaxed` draw
    is the relaxation itself, a mixture of both components with an exact gradient, and not of this distribution.
    """

    arg_constraints: ClassVar[dict] = {}
    has_rsample = True

    def __init__(
        self,
        off: Tensor,
        mean: Tensor,
        log_variance: Tensor,
        spike: float,
        temperature: float = 0.5,
        relaxed: bool = False,
    ) -> None:
        self.off, self.slab_mean, self.slab_log_variance = off, mean, log_variance
        self.spike, self.temperature, self.relaxed = spike, temperature, relaxed
        batch_shape = torch.broadcast_shapes(off.shape, mean.shape, log_variance.shape)
        super().__init__(batch_shape, validate_args=False)

    @property
    def mean(self) -> Tensor:
        """Return (1 - off) mean."""
        return (1 - self.off) * self.slab_mean

    def rsample(self, sample_shape: _size = ()) -> Tensor:
        """Draw (*sample, *), with hard indicators unless relaxed."""
        shape = self._extended_shape(sample_shape)
        indicator = self._indicator(shape)
        noise = torch.randn((2, *shape), dtype=self.slab_mean.dtype, device=self.slab_mean.device)
        slab = self.slab_mean + (0.5 * self.slab_log_variance).exp() * noise[1]
        return indicator * self.spike * noise[0] + (1 - indicator) * slab

    def _indicator(self, shape: Size) -> Tensor:
        logistic = torch.logit(torch.rand(shape, dtype=torch.float64, device=self.off.device), eps=1e-12)
        relaxed = torch.sigmoid((torch.logit(self.off) + logistic.to(self.off.dtype)) / self.temperature)
        return relaxed if self.relaxed else (relaxed > 0.5).to(relaxed.dtype) + relaxed - relaxed.detach()

    def log_prob(self, value: Tensor) -> Tensor:
        """Return the log density of the mixture in nats: (*) -> (*)."""
        standard = (value - self.slab_mean) * (-0.5 * self.slab_log_variance).exp()
        slab = torch.log1p(-self.off) - 0.5 * (standard.square() + self.slab_log_variance) - _HALF_LOG_2PI
        spike = self.off.log() - 0.5 * (value / self.spike).square() - math.log(self.spike) - _HALF_LOG_2PI
        return torch.logaddexp(spike, slab)


def kl_bound(off: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return sum_c (1 - off) KL(N(mean, exp(log_variance)) || N(0, 1)) in nats: (*, C) -> (*), batch shapes broadcast.

    An upper bound of the KL between two mixtures with the same `off` and spike, exact as the spike narrows; that KL has
    no closed form.
    """
    return dot(1 - off, diagonal_normal.kl(mean, log_variance, prior_scale=1.0))
