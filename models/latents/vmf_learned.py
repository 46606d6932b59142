"""Von Mises-Fisher posteriors that learn their concentration. Shapes: * batch (B,) or (B, T); H features; C size."""

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.distributions import kl_divergence
from torch.nn.functional import normalize, softplus

from uncollapse.models.configuration.bounds import Concentration, SphereSize
from uncollapse.models.distributions.hyperspherical_uniform import HypersphericalUniform
from uncollapse.models.distributions.von_mises_fisher import VonMisesFisher
from uncollapse.models.latents._base import Latent
from uncollapse.models.variable import Variable


class VMFLearned(Latent):
    """q(z|x) = vMF(mu(h), kappa(h)) against the uniform distribution on the sphere (Xu and Durrett, 2018, section 7).

    kappa = min(softplus(a(h)) + kappa_min, kappa_max). The KL is in closed form and differs from sentence to sentence.

    Args:
        size: C.
        kappa_min: which kappa stays above.
        kappa_max: which kappa never exceeds; a sentence that has reached it learns no more of its kappa.
        initial_kappa: where training starts, through the bias of the head.
        gradient: `full` follows reconstruction and KL; `released` is the published code's: kappa = clamp(10 a + 50, 10,
            150), whatever the options above, and no gradient of the reconstruction, so that only the KL moves it.
    """

    variables = ("z",)
    on_sphere = True

    def __init__(
        self,
        features: int,
        /,
        *,
        size: SphereSize = 50,
        kappa_min: Concentration = 1.0,
        kappa_max: Concentration = 300.0,
        initial_kappa: Concentration = 50.0,
        gradient: Literal["full", "released"] = "full",
    ) -> None:
        super().__init__()
        self.code_size, self.gradient = size, gradient
        self.kappa_min, self.kappa_max = kappa_min, kappa_max
        self.direction = nn.Linear(features, size)
        self.concentration = nn.Linear(features, 1)
        if gradient == "full":
            nn.init.constant_(self.concentration.bias, _start(kappa_min, initial_kappa, kappa_max))

    def kappa(self, h: Tensor) -> Tensor:
        """Return kappa(h) in float64: (*, H) -> (*)."""
        a = self.concentration(h).squeeze(-1).double()
        if self.gradient == "released":
            return (10 * a + 50).clamp(10.0, 150.0)
        return (softplus(a) + self.kappa_min).clamp_max(self.kappa_max)

    def _posterior(self, h: Tensor) -> VonMisesFisher:
        return VonMisesFisher(normalize(self.direction(h), dim=-1), self.kappa(h))

    def _draw(self, posterior: VonMisesFisher) -> Tensor:
        if self.gradient == "full":
            return posterior.rsample()
        return VonMisesFisher(posterior.mean_direction, self._detached(posterior)).rsample()

    def _detached(self, posterior: VonMisesFisher) -> Tensor:
        assert isinstance(posterior.concentration, Tensor)
        return posterior.concentration.detach()

    def forward(self, h: Tensor, given: Mapping[str, Tensor] | None = None) -> dict[str, Variable]:
        """Draw z, or score given["z"], under h: (*, H) -> {"z": (*, C)}."""
        posterior, prior = self._posterior(h), HypersphericalUniform(self.code_size)
        z = given["z"] if given else self._draw(posterior)
        found = Variable.broadcast(
            z,
            h.shape[:-1],
            log_q=lambda: posterior.log_prob(z),
            log_p=lambda: prior.log_prob(z),
            kl=lambda: kl_divergence(posterior, prior),
        )
        return {"z": found}

    def code(self, values: Mapping[str, Tensor], like: Tensor) -> Tensor:
        """Return z (*, C), of unit length."""
        return values["z"]

    def mean(self, h: Tensor) -> Tensor:
        """Return E_q z = A_d(kappa(h)) mu(h): (*, H) -> (*, C)."""
        return self._posterior(h).mean

    def prior_sample(self, shape: Sequence[int]) -> dict[str, Tensor]:
        """Draw z from the prior, of the given batch shape."""
        prior = HypersphericalUniform(self.code_size, torch.Size(shape))
        return {"z": prior.sample().to(self.direction.weight)}


def _start(low: float, initial: float, high: float) -> float:
    """Return the a whose softplus is `initial` above `low`."""
    if not low < initial <= high:
        raise ValueError(
            "latent.initial_kappa: training starts above kappa_min and not above kappa_max, here above "
            f"{low:g} and up to {high:g}; choose one of these, found {initial:g}"
        )
    return initial - low + math.log(-math.expm1(low - initial))
