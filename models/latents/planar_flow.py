"""Gaussian posteriors bent by planar flows. Shapes: * batch (B,) or (B, T); H features; C size; K flows."""

from collections.abc import Mapping, Sequence
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm, one_hot

from uncollapse.models.configuration.bounds import Count, Size
from uncollapse.models.distributions import diagonal_normal
from uncollapse.models.distributions.maximum_mean_discrepancy import (
    inverse_multiquadric,
    maximum_mean_discrepancy,
    squared_distances,
)
from uncollapse.models.distributions.planar import PlanarFlows
from uncollapse.models.latents._base import Latent, Latitude
from uncollapse.models.variable import Variable

_SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_PACE = 0.1  # of the centres towards the mean of what is nearest to them, an update


class PlanarFlow(Latent):
    """q(code|x) is that of f(z), z ~ N(mu(h), diag sigma^2(h)), f of K planar flows (Wang and Wang, 2019).

    The prior of the code is N(0, I). f is one bijection for all sentences, so the variable is z, before the flows:
    log p(z) = log N(f(z); 0, I) + log |det df/dz|, and code = f(z). That makes every density, information and
    importance weight exact. kl.z is log q - log p of the value at hand, unbiased, and may be negative.

    Args:
        size: C.
        flows: K; none is a Gaussian.
        batch_norm: mu and log sigma^2 are normalised over all rows of a batch in training, which must therefore be
            sentences and no padding; by running averages at evaluation and for a sentence alone.
        centres: of the clusters of z that the penalty `band` keeps away from. Wang and Wang take them from an earlier
            model; here they follow the codes in training (k-means with moving averages).

    `mmd` is the discrepancy between the batch's codes and the prior. `band` is sum_k log sum_s C_s / (C_s + d_k^2), C_s
    = 2 C s, d_k the distance from what enters flow k to its nearest centre. The weight of kl.z covers all of the KL;
    Wang and Wang leave log |det| at weight 1 while that of the rest is annealed.
    """

    variables = ("z",)
    penalties = ("mmd", "band")
    latitude = Latitude(sampled=("z",))
    centres: Tensor

    def __init__(
        self,
        features: int,
        /,
        *,
        size: Size = 32,
        flows: Count = 3,
        batch_norm: bool = False,
        centres: Size = 10,
    ) -> None:
        super().__init__()
        self.code_size = size
        self.location = _head(features, size, batch_norm)
        self.log_variance = _head(features, size, batch_norm)
        self.flow = PlanarFlows(size, flows)
        self.register_buffer("centres", torch.randn(centres, size))

    def forward(self, h: Tensor, given: Mapping[str, Tensor] | None = None) -> dict[str, Variable]:
        """Draw z, or score given["z"], under h: (*, H) -> {"z": (*, C)}."""
        mean, log_variance = self.location(h), self.log_variance(h)
        z = given["z"] if given else mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
        log_q = cache(lambda: diagonal_normal.log_prob(z, mean, log_variance))
        log_p = cache(lambda: self._log_prior(z))
        return {"z": Variable.broadcast(z, h.shape[:-1], log_q, log_p, kl=lambda: log_q() - log_p())}

    def _log_prior(self, z: Tensor) -> Tensor:
        code, log_determinant = self.flow(z)
        zeros = code.new_zeros(self.code_size)
        return diagonal_normal.log_prob(code, zeros, zeros) + log_determinant

    def penalty(self, name: str, h: Tensor, variables: Mapping[str, Variable]) -> Tensor:
        """Return `mmd`, a scalar, or `band` (B,), of the batch's z (B, C); in training `band` moves the centres."""
        z = variables["z"].value
        if name == "mmd":
            code = self.flow(z)[0]
            return maximum_mean_discrepancy(code, torch.randn_like(code), _SCALES)
        if name == "band":
            band = self._band(z)
            if self.training:
                self._follow(z.detach())
            return band
        return super().penalty(name, h, variables)

    def _band(self, z: Tensor) -> Tensor:
        band = z.new_zeros(z.shape[:-1])
        for entering in self.flow.entering(z):
            nearest = squared_distances(entering, self.centres).amin(-1)
            band = band + inverse_multiquadric(nearest, self.code_size, _SCALES).log()
        return band

    def _follow(self, z: Tensor) -> None:
        """Move every centre that is nearest to some z (B, C) towards their mean."""
        nearest = one_hot(squared_distances(z, self.centres).argmin(-1), len(self.centres)).to(z)
        counts = nearest.sum(0).unsqueeze(-1)
        means = torch.where(counts > 0, nearest.mT @ z / counts.clamp_min(1), self.centres)
        # Not in place: the penalty's graph still holds the centres that it was computed with.
        self.centres = self.centres.lerp(means, _PACE)

    def code(self, values: Mapping[str, Tensor], like: Tensor) -> Tensor:
        """Return f(z) (*, C)."""
        return self.flow(values["z"])[0]

    def mean(self, h: Tensor) -> Tensor:
        """Return E_q f(z), by a quadrature over the K directions in which f bends: (*, H) -> (*, C)."""
        return self.flow.mean(self.location(h), self.log_variance(h))

    def prior_sample(self, shape: Sequence[int]) -> dict[str, Tensor]:
        """Draw z from the prior, of the given batch shape: what f takes to N(0, I)."""
        return {"z": self.flow.inverse(torch.randn(*shape, self.code_size).to(self.centres))}


def _head(features: int, size: int, normalised: bool) -> nn.Module:
    """A linear map, without a bias where normalising would take it off again."""
    linear = nn.Linear(features, size, bias=not normalised)
    return nn.Sequential(linear, _BatchNorm(size)) if normalised else linear


class _BatchNorm(nn.BatchNorm1d):
    """Over all rows of any batch shape; by running averages where there is one row, which has no variance."""

    def forward(self, rows: Tensor) -> Tensor:
        """(*, C) -> (*, C)."""
        flat = rows.reshape(-1, rows.shape[-1])
        if self.training and len(flat) > 1:
            return super().forward(flat).view(rows.shape)
        scaled = batch_norm(flat, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
        return scaled.view(rows.shape)
