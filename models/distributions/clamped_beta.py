"""Beta distributions kept away from 0 and 1. Shapes: * batch, one Beta each; C components."""

import math
from typing import ClassVar

import torch
from torch import Tensor
from torch.distributions import Beta, Distribution, kl_divergence, register_kl
from torch.types import _size

from uncollapse.models.distributions.products import dot

# Powers of two, so that the limits and their complements are exact in float32.
LOW = 2.0**-16
HIGH = 1.0 - LOW
_TERMS = 3  # of a series in b LOW / n: exact to 1e-9 up to b = 1e3, to 1e-5 up to 1e4


class ClampedBeta(Distribution):
    """clamp(x, 2^-16, 1 - 2^-16) of x ~ Beta(a, b), for a and b of 0.02 or more.

    Its density is that of the Beta inside the limits and the clamped mass on them, so that ratios of two such densities
    are exact. Batch shape (*, C); log_prob sums over C.
    """

    arg_constraints: ClassVar[dict] = {}
    has_rsample = True

    def __init__(self, a: Tensor, b: Tensor) -> None:
        self.a, self.b = torch.broadcast_tensors(a.double(), b.double())
        super().__init__(self.a.shape[:-1], self.a.shape[-1:], validate_args=False)

    @property
    def beta(self) -> Beta:
        """Return the Beta before clamping, in float64."""
        return Beta(self.a, self.b, validate_args=False)

    def rsample(self, sample_shape: _size = ()) -> Tensor:
        """Draw (*sample, *, C) in float64; the pathwise gradient flows through a and b."""
        return self.beta.rsample(sample_shape).clamp(LOW, HIGH)

    def log_prob(self, value: Tensor) -> Tensor:
        """Return the joint log density in float64 nats, batch shapes broadcast: (*v, C) -> (*)."""
        value = value.double()
        log_normalizer = torch.lgamma(self.a) + torch.lgamma(self.b) - torch.lgamma(self.a + self.b)
        inside = dot(value.log(), self.a - 1) + dot(torch.log1p(-value), self.b - 1) - log_normalizer.sum(-1)
        on_low, on_high = (value <= LOW).double(), (value >= HIGH).double()
        low_mass = dot(on_low, _log_mass_over_density(self.a, self.b))
        high_mass = dot(on_high, _log_mass_over_density(self.b, self.a))
        return inside + low_mass + high_mass


def _log_mass_over_density(a: Tensor, b: Tensor) -> Tensor:
    """Return log [P(x <= LOW) / density(LOW)] by the power series of the incomplete Beta function."""
    series, term = torch.ones_like(a), torch.ones_like(a)
    for n in range(1, _TERMS + 1):
        term = term * (n - b) * (LOW / n)
        series = series + term * a / (a + n)
    return series.log() - a.log() + math.log(LOW) - (b - 1) * math.log1p(-LOW)


@register_kl(ClampedBeta, ClampedBeta)
def _kl_clamped_beta(q: ClampedBeta, p: ClampedBeta) -> Tensor:
    """Return the closed form without clamping, an upper bound.

    Each limit lowers the true KL by P_q(limit) (r - 1 - log r), r = p's shape there over q's: nothing to speak of for
    q's shapes above 1/2, nats for shapes at a floor of 0.05 that the prior does not share.
    """
    return kl_divergence(q.beta, p.beta).sum(-1)
