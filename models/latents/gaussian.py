"""Gaussian posteriors, for one code a sentence or one a token. Shapes: * batch (B,) or (B, T); H features; C size."""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from uncollapse.models.configuration.bounds import Positive, Size
from uncollapse.models.distributions import diagonal_normal
from uncollapse.models.latents._base import Latent
from uncollapse.models.variable import Variable


class Gaussian(Latent):
    """q(z|x) = N(mu(h), diag sigma^2(h)) against p(z) = N(0, prior_scale^2 I).

    KL = sum_c [log(s/sigma) + (sigma^2 + mu^2) / (2 s^2) - 1/2], in closed form.
    `initial_scale` is the posterior's standard deviation at the start of training, through the bias of its head.
    `l1` and `l2` are the activity penalties sum_c |mu_c|^p + sigma_c^p, p = 1 and 2 (Prokhorov et al., 2021, VAE_L1 and
    VAE_L2).
    """

    variables = ("z",)
    penalties = ("l1", "l2")

    def __init__(
        self,
        features: int,
        /,
        *,
        size: Size = 32,
        prior_scale: Positive = 1.0,
        initial_scale: Positive = 1.0,
    ) -> None:
        super().__init__()
        self.code_size = size
        self.prior_scale = prior_scale
        self.location = nn.Linear(features, size)
        self.log_variance = nn.Linear(features, size)
        nn.init.constant_(self.log_variance.bias, 2 * math.log(initial_scale))

    def forward(self, h: Tensor, given: Mapping[str, Tensor] | None = None) -> dict[str, Variable]:
        """Draw z, or score given["z"], under h: (*, H) -> {"z": (*, C)}."""
        mean, log_variance = self.location(h), self.log_variance(h)
        z = given["z"] if given else mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
        found = Variable.broadcast(
            z,
            h.shape[:-1],
            log_q=lambda: diagonal_normal.log_prob(z, mean, log_variance),
            log_p=lambda: self._log_prior(z),
            kl=lambda: diagonal_normal.kl(mean, log_variance, self.prior_scale).sum(-1),
        )
        return {"z": found}

    def _log_prior(self, z: Tensor) -> Tensor:
        log_variance = z.new_full((self.code_size,), 2 * math.log(self.prior_scale))
        return diagonal_normal.log_prob(z, torch.zeros_like(log_variance), log_variance)

    def penalty(self, name: str, h: Tensor, variables: Mapping[str, Variable]) -> Tensor:
        """Return `l1` or `l2` of the heads, under features (B, H): (B,)."""
        if name not in self.penalties:
            return super().penalty(name, h, variables)
        activity = torch.cat([self.location(h), (0.5 * self.log_variance(h)).exp()], -1)
        return (activity.abs() if name == "l1" else activity.square()).sum(-1)

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
        return {"z": self.prior_scale * torch.randn(*shape, self.code_size).to(self.location.weight)}
