"""Hierarchical spike-and-slab posteriors. Shapes: * batch (B,) or (B, T); H features; C size."""

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Literal

import torch
from torch import Tensor, nn
from torch.distributions import kl_divergence
from torch.nn.functional import softplus

from uncollapse.models.configuration.bounds import Positive, Shape, Size
from uncollapse.models.distributions.clamped_beta import ClampedBeta
from uncollapse.models.distributions.spike_slab import SpikeAndSlab, kl_bound
from uncollapse.models.latents._base import Latent, Latitude
from uncollapse.models.variable import Variable

_SHAPE_FLOOR = 0.05  # Beta samplers and their gradients break down not far below.
_SCALE_FLOOR = 1e-3  # A slab narrower than the narrowest spike would be scored by its rounding errors.


class SpikeSlab(Latent):
    """q(gamma|x) q(z|gamma, x) against Beta(alpha, beta) and a spike-and-slab prior (Prokhorov et al., 2021).

    gamma_c is the probability that component c is off: alpha > beta is sparse. q(gamma|x) = prod_c Beta(a_c, b_c), and
    q(z|gamma, x) = prod_c gamma_c N(0, spike^2) + (1 - gamma_c) N(mu_c, sigma_c^2); the prior's slab is N(0, 1).
    kl.gamma is in closed form. kl.z is its upper bound sum_c (1 - gamma_c) KL(N(mu_c, sigma_c^2) || N(0, 1)), or with
    `kl="sample"` the unbiased log q - log p of the value at hand, which may be negative. Let mu and sigma see gamma
    (`slab_sees_gamma`) as in the paper, or not, as in its code. Spike or slab is decided by a hard draw with the
    relaxation's gradient (`straight_through`, biased), or in training by the `relaxed` value itself (binary concrete,
    exact gradients, of a code that is a mixture of both and that no density here is that of); hard when evaluated.
    """

    variables = ("gamma", "z")

    def __init__(
        self,
        features: int,
        /,
        *,
        size: Size = 32,
        alpha: Shape = 4.0,
        beta: Shape = 1.0,
        spike: Positive = 0.05,
        temperature: Positive = 0.5,
        slab_sees_gamma: bool = False,
        indicator: Literal["straight_through", "relaxed"] = "straight_through",
        kl: Literal["bound", "sample"] = "bound",
    ) -> None:
        super().__init__()
        self.code_size = size
        self.alpha, self.beta = alpha, beta
        self.spike, self.temperature = spike, temperature
        self.indicator, self.kl = indicator, kl
        sampled = kl == "sample"
        self.latitude = Latitude(upper_bound=("gamma",) if sampled else ("gamma", "z"), sampled=("z",) * sampled)
        self.off_shape = nn.Linear(features, size)
        self.on_shape = nn.Linear(features, size)
        self.location = nn.Linear(features, size)
        self.log_variance = nn.Linear(features, size)
        self.slab_from_gamma = nn.Linear(size, 2 * size, bias=False) if slab_sees_gamma else None

    def forward(self, h: Tensor, given: Mapping[str, Tensor] | None = None) -> dict[str, Variable]:
        """Draw, or score where given, gamma and then z under h: (*, H) -> {"gamma": (*, C), "z": (*, C)}."""
        return self._variables(h, given or {}, relaxed=self.training and self.indicator == "relaxed")

    def propose(self, h: Tensor) -> dict[str, Variable]:
        """Draw with hard indicators, in training too: (*, H) -> {"gamma": (*, C), "z": (*, C)}."""
        return self._variables(h, {}, relaxed=False)

    def _variables(self, h: Tensor, given: Mapping[str, Tensor], relaxed: bool) -> dict[str, Variable]:
        gamma = self._gamma(h, given.get("gamma"))
        # What is given keeps its own batch shape here, so that pairs are scored without forming them.
        off = given.get("gamma", gamma.value)
        return {"gamma": gamma, "z": self._z(h, off, given.get("z"), relaxed)}

    def _gamma(self, h: Tensor, gamma: Tensor | None) -> Variable:
        posterior, prior = self.off_posterior(h), self._off_prior(h)
        value = posterior.rsample().to(h.dtype) if gamma is None else gamma
        return Variable.broadcast(
            value,
            h.shape[:-1],
            log_q=lambda: posterior.log_prob(value),
            log_p=lambda: prior.log_prob(value),
            kl=lambda: kl_divergence(posterior, prior),
        )

    def _z(self, h: Tensor, gamma: Tensor, z: Tensor | None, relaxed: bool) -> Variable:
        slab = self.slab_parameters(h, gamma)
        posterior = SpikeAndSlab(gamma, *slab, self.spike, self.temperature, relaxed)
        value = posterior.rsample() if z is None else z
        log_q = cache(lambda: posterior.log_prob(value).sum(-1))
        log_p = cache(lambda: self._z_prior(gamma).log_prob(value).sum(-1))
        kl = (lambda: kl_bound(gamma, *slab)) if self.kl == "bound" else (lambda: log_q() - log_p())
        return Variable.broadcast(value, torch.broadcast_shapes(h.shape[:-1], gamma.shape[:-1]), log_q, log_p, kl)

    def off_posterior(self, h: Tensor) -> ClampedBeta:
        return ClampedBeta(softplus(self.off_shape(h)) + _SHAPE_FLOOR, softplus(self.on_shape(h)) + _SHAPE_FLOOR)

    def _off_prior(self, like: Tensor) -> ClampedBeta:
        return ClampedBeta(like.new_full((self.code_size,), self.alpha), like.new_full((self.code_size,), self.beta))

    def slab_parameters(self, h: Tensor, gamma: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = self.location(h), self.log_variance(h)
        if self.slab_from_gamma is not None:
            mean_shift, log_variance_shift = self.slab_from_gamma(gamma).chunk(2, dim=-1)
            mean, log_variance = mean + mean_shift, log_variance + log_variance_shift
        floor = torch.full_like(log_variance, 2 * math.log(_SCALE_FLOOR))
        return mean, torch.logaddexp(log_variance, floor)

    def _z_prior(self, gamma: Tensor) -> SpikeAndSlab:
        return SpikeAndSlab(gamma, torch.zeros_like(gamma), torch.zeros_like(gamma), self.spike)

    def code(self, values: Mapping[str, Tensor], like: Tensor) -> Tensor:
        """Return z (*, C)."""
        return values["z"]

    def mean(self, h: Tensor) -> Tensor:
        """Return E_q z = E_q (1 - gamma) mu(h[, gamma]), exactly: (*, H) -> (*, C)."""
        off = self.off_posterior(h).beta
        off_mean = off.mean.to(h.dtype)
        mean = (1 - off_mean) * self.slab_parameters(h, off_mean)[0]
        if self.slab_from_gamma is None:
            return mean
        own_effect = self.slab_from_gamma.weight.diagonal()  # of gamma_c on mu_c, which covary
        return mean - own_effect * off.variance.to(h.dtype)

    def off(self, h: Tensor) -> Tensor:
        """Return E_q gamma: (*, H) -> (*, C)."""
        return self.off_posterior(h).beta.mean.to(h.dtype)

    def prior_sample(self, shape: Sequence[int]) -> dict[str, Tensor]:
        """Draw gamma and z from the prior, of the given batch shape."""
        prior = self._off_prior(self.location.weight)
        gamma = prior.rsample(torch.Size(shape)).to(self.location.weight.dtype)
        return {"gamma": gamma, "z": self._z_prior(gamma).rsample()}
