"""Laplace posteriors. Shapes: * batch (B,) or (B, T); H features; C size."""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from laplace_latent.divergence import kl
from uncollapse.models.configuration.bounds import Positive, Size
from uncollapse.models.latents._base import Latent
from uncollapse.models.variable import Variable


class Laplace(Latent):
    """q(z|x) = Laplace(mu(h), b(h)) against p(z) = Laplace(0, prior_scale), with the KL in closed form."""

    variables = ("z",)

    def __init__(self, features: int, /, *, size: Size = 32, prior_scale: Positive = 1.0) -> None:
        super().__init__()
        self.code_size, self.prior_scale = size, prior_scale
        self.location = nn.Linear(features, size)
        self.log_scale = nn.Linear(features, size)

    def forward(self, h: Tensor, given: Mapping[str, Tensor] | None = None) -> dict[str, Variable]:
        """Draw z, or score given["z"], under h: (*, H) -> {"z": (*, C)}."""
        mean, scale = self.location(h), self.log_scale(h).exp()
        z = given["z"] if given else mean + scale * _standard(mean)
        found = Variable.broadcast(
            z,
            h.shape[:-1],
            log_q=lambda: _log_density(z - mean, scale),
            log_p=lambda: _log_density(z, torch.full_like(z, self.prior_scale)),
            kl=lambda: kl(mean, scale, self.prior_scale),
        )
        return {"z": found}

    def code(self, values: Mapping[str, Tensor], like: Tensor) -> Tensor:
        """Return z (*, C)."""
        return values["z"]

    def mean(self, h: Tensor) -> Tensor:
        """Return E_q z = mu(h): (*, H) -> (*, C)."""
        return self.location(h)

    def variance(self, h: Tensor) -> Tensor:
        """Return 2 b(h)^2: (*, H) -> (*, C)."""
        return 2 * self.log_scale(h).exp().square()

    def prior_sample(self, shape: Sequence[int]) -> dict[str, Tensor]:
        """Draw z from the prior, of the given batch shape."""
        return {"z": self.prior_scale * _standard(torch.zeros(*shape, self.code_size).to(self.location.weight))}


def _standard(like: Tensor) -> Tensor:
    """Draws of Laplace(0, 1) in the shape of `like`: the difference of two exponentials."""
    return torch.empty_like(like).exponential_() - torch.empty_like(like).exponential_()


def _log_density(distance: Tensor, scale: Tensor) -> Tensor:
    return -(distance.abs() / scale + scale.log() + math.log(2)).sum(-1)
