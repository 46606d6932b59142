"""Gaussian posteriors against a fixed sparse prior. Shapes: * batch (B,) or (B, T); H features; C size."""

from collections.abc import Mapping, Sequence
from functools import cache

import torch
from torch import Tensor, nn

from uncollapse.models.configuration.bounds import Positive, Rate, Size
from uncollapse.models.distributions import diagonal_normal
from uncollapse.models.distributions.maximum_mean_discrepancy import maximum_mean_discrepancy
from uncollapse.models.distributions.spike_slab import SpikeAndSlab
from uncollapse.models.latents._base import Latent, Latitude
from uncollapse.models.variable import Variable

_SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class SparsePrior(Latent):
    """q(z|x) = N(mu(h), diag sigma^2(h)) against a fixed spike-and-slab prior (Mathieu et al., 2019).

    p(z) = prod_c [gamma N(0, spike^2) + (1 - gamma) N(0, 1)]: gamma is the probability that a component is off.
    The KL has no closed form: kl.z is log q - log p of the value at hand, unbiased, and may be negative. No Gaussian is
    such a prior, so that its mean stays above 0 even when collapsed: at 0.188 nats a component or more at the defaults.
    `mmd` is the discrepancy between the batch's codes and the prior, summed over components: it grows with the size.
    """

    variables = ("z",)
    penalties = ("mmd",)
    latitude = Latitude(sampled=("z",))

    def __init__(self, features: int, /, *, size: Size = 32, gamma: Rate = 0.8, spike: Positive = 0.05) -> None:
        super().__init__()
        self.code_size = size
        self.gamma, self.spike = gamma, spike
        self.location = nn.Linear(features, size)
        self.log_variance = nn.Linear(features, size)

    def forward(self, h: Tensor, given: Mapping[str, Tensor] | None = None) -> dict[str, Variable]:
        """Draw z, or score given["z"], under h: (*, H) -> {"z": (*, C)}."""
        mean, log_variance = self.location(h), self.log_variance(h)
        z = given["z"] if given else mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
        log_q = cache(lambda: diagonal_normal.log_prob(z, mean, log_variance))
        log_p = cache(lambda: self._prior(z.double()).log_prob(z.double()).sum(-1))
        return {"z": Variable.broadcast(z, h.shape[:-1], log_q, log_p, kl=lambda: log_q() - log_p())}

    def _prior(self, like: Tensor) -> SpikeAndSlab:
        zeros = like.new_zeros(self.code_size)
        return SpikeAndSlab(like.new_full((self.code_size,), self.gamma), zeros, zeros, self.spike)

    def penalty(self, name: str, h: Tensor, variables: Mapping[str, Variable]) -> Tensor:
        """Return `mmd`, sum_c MMD^2(q(z_c), p(z_c)) over the batch's z (B, C): a scalar."""
        if name != "mmd":
            return super().penalty(name, h, variables)
        z = variables["z"].value
        prior = self.prior_sample(z.shape[:-1])["z"]
        return maximum_mean_discrepancy(z.mT.unsqueeze(-1), prior.mT.unsqueeze(-1), _SCALES).sum()

    def code(self, values: Mapping[str, Tensor], like: Tensor) -> Tensor:
        """Return z (*, C)."""
        return values["z"]

    def mean(self, h: Tensor) -> Tensor:
        """Return E_q z = mu(h): (*, H) -> (*, C)."""
        return self.location(h)

    def variance(self, h: Tensor) -> Tensor:
        """Return sigma^2(h): (*, H) -> (*, C)."""
        return self.log_variance(h).exp()

    def prior_sample(self, shape: Sequence[int]) -> dict[str, Tensor]:
        """Draw z from the prior, of the given batch shape."""
        return {"z": self._prior(self.location.weight).sample(torch.Size(shape))}
