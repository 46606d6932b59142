"""Von Mises-Fisher posteriors with fixed concentration.

Shapes: * batch (B,) or (B, T); H features; C size; D draws.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from uncollapse.models.configuration.bounds import Concentration, NonNegative, Size, SphereSize
from uncollapse.models.distributions.hyperspherical_uniform import HypersphericalUniform
from uncollapse.models.distributions.von_mises_fisher import VonMisesFisher, concentration_for, constants
from uncollapse.models.latents._base import Latent
from uncollapse.models.variable import Variable


class VMF(Latent):
    """q(z|x) = vMF(mu(h), kappa) against the uniform distribution on the sphere (Xu and Durrett, 2018).

    The KL is a constant of (size, kappa), in closed form: it says nothing about collapse.

    Args:
        size: C.
        kappa: the concentration, used where `target_kl` is 0.
        target_kl: nats of one draw's KL; above 0 the concentration is the one that has it, comparable across sizes.
        draws: D independent draws, side by side as one variable; the code is their mean. Published with 3.
        charged: the KL of every draw, or in training that of one, as published, which is the KL of no bound.
        kl_formula: `released` is that of Guu et al. (2018), the KL of two more dimensions, in training.

    Measured bounds charge the exact KL of every draw, whatever training charges: `published_kl` is what it charges.
    `norm` is the auxiliary term (|raw mu| - 1)^2 of the released code, there at a weight of 1e-4.
    """

    variables = ("z",)
    on_sphere = True
    penalties = ("norm",)

    def __init__(
        self,
        features: int,
        /,
        *,
        size: SphereSize = 50,
        kappa: Concentration = 80.0,
        target_kl: NonNegative = 0.0,
        draws: Size = 1,
        charged: Literal["every", "one"] = "every",
        kl_formula: Literal["exact", "released"] = "exact",
    ) -> None:
        super().__init__()
        self.code_size, self.draws = size, draws
        self.kappa = _solved(size, target_kl) if target_kl > 0 else kappa
        self.kl = draws * constants(size, self.kappa).kl
        charged_size = size if kl_formula == "exact" else size + 2
        self.trained_kl = (draws if charged == "every" else 1) * constants(charged_size, self.kappa).kl
        self.direction = nn.Linear(features, size)

    def _posterior(self, h: Tensor) -> VonMisesFisher:
        return VonMisesFisher(normalize(self.direction(h), dim=-1), self.kappa)

    def forward(self, h: Tensor, given: Mapping[str, Tensor] | None = None) -> dict[str, Variable]:
        """Draw z, or score given["z"], under h: (*, H) -> {"z": (*, D C)}."""
        posterior, prior = self._posterior(h), HypersphericalUniform(self.code_size)
        z = given["z"] if given else posterior.rsample((self.draws,)).movedim(0, -2).flatten(-2)
        draws = self._apart(z).unbind(-2)
        found = Variable.broadcast(
            z,
            h.shape[:-1],
            log_q=lambda: torch.stack([posterior.log_prob(draw) for draw in draws]).sum(0),
            log_p=lambda: torch.stack([prior.log_prob(draw) for draw in draws]).sum(0),
            kl=lambda: h.new_full(h.shape[:-1], self.trained_kl if self.training else self.kl),
        )
        return {"z": found}

    def _apart(self, z: Tensor) -> Tensor:
        """(*, D C) to (*, D, C)."""
        return z.unflatten(-1, (self.draws, self.code_size))

    def published_kl(self, h: Tensor, variables: Mapping[str, Variable]) -> Tensor | None:
        """Return what training charges (*), where that is not the KL."""
        return None if self.trained_kl == self.kl else h.new_full(h.shape[:-1], self.trained_kl)

    def penalty(self, name: str, h: Tensor, variables: Mapping[str, Variable]) -> Tensor:
        """Return `norm` under features (B, H): (B,)."""
        if name != "norm":
            return super().penalty(name, h, variables)
        return (self.direction(h).norm(dim=-1) - 1).square()

    def code(self, values: Mapping[str, Tensor], like: Tensor) -> Tensor:
        """Return the mean of the draws (*, C), of unit length where there is one."""
        return self._apart(values["z"]).mean(-2)

    def mean(self, h: Tensor) -> Tensor:
        """Return E_q code = A_d(kappa) mu(h): (*, H) -> (*, C)."""
        return self._posterior(h).mean

    def prior_sample(self, shape: Sequence[int]) -> dict[str, Tensor]:
        """Draw z from the prior, of the given batch shape."""
        prior = HypersphericalUniform(self.code_size, (*shape, self.draws))
        return {"z": prior.sample().flatten(-2).to(self.direction.weight)}


def _solved(size: int, target_kl: float) -> float:
    try:
        return concentration_for(size, target_kl)
    except ValueError as error:
        raise ValueError(f"latent.target_kl: {error}") from None
