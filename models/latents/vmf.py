"""Von Mises-Fisher posteriors with fixed concentration. Shapes: * batch (B,) or (B, T); H features; C size."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.distributions import kl_divergence
from torch.nn.functional import normalize

from models.bounds import Concentration, SphereSize
from models.distributions.hyperspherical_uniform import HypersphericalUniform
from models.distributions.von_mises_fisher import VonMisesFisher
from models.latent import Latent
from models.variable import Variable


class VMF(Latent):
    """q(z|x) = vMF(mu(h), kappa) against the uniform distribution on the sphere (Xu and Durrett, 2018).

    The KL is a constant of (size, kappa), in closed form: it says nothing about collapse.
    """

    variables = ("z",)

    def __init__(self, features: int, /, *, size: SphereSize = 50, kappa: Concentration = 80.0) -> None:
        super().__init__()
        self.code_size = size
        self.kappa = kappa
        self.direction = nn.Linear(features, size)

    def _posterior(self, h: Tensor) -> VonMisesFisher:
        return VonMisesFisher(normalize(self.direction(h), dim=-1), self.kappa)

    def forward(self, h: Tensor, given: Mapping[str, Tensor] | None = None) -> dict[str, Variable]:
        """Draw z, or score given["z"], under h: (*, H) -> {"z": (*, C)}."""
        posterior, prior = self._posterior(h), HypersphericalUniform(self.code_size)
        z = given["z"] if given else posterior.rsample()
        return {"z": Variable.broadcast(z, posterior.log_prob(z), prior.log_prob(z), kl_divergence(posterior, prior))}

    def code(self, values: Mapping[str, Tensor], like: Tensor) -> Tensor:
        """Return z (*, C), of unit length."""
        return values["z"]

    def mean(self, h: Tensor) -> Tensor:
        """Return E_q z = A_d(kappa) mu(h): (*, H) -> (*, C)."""
        return self._posterior(h).mean

    def prior_sample(self, shape: Sequence[int]) -> dict[str, Tensor]:
        """Draw z from the prior, of the given batch shape."""
        prior = HypersphericalUniform(self.code_size, torch.Size(shape))
        return {"z": prior.sample().to(self.direction.weight)}
