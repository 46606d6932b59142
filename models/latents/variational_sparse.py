"""Sparse posteriors against a mixture of pseudo-inputs.

Shapes: * batch (B,) or (B, T); H features; C size; K pseudo-inputs.
"""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.distributions import Bernoulli, kl_divergence

from uncollapse.models.configuration.bounds import Open, Positive, Size
from uncollapse.models.distributions.zero_inflated_normal import ZeroInflatedNormal
from uncollapse.models.latents._base import Latent, Latitude
from uncollapse.models.variable import Variable


class VariationalSparse(Latent):
    """q(z|x) = prod_c [on_c N(mu_c, sigma_c^2) + (1 - on_c) delta_0] against a mixture (Tonolini et al., 2019).

    p(z) = 1/K sum_u q(z|h_u): the h_u are K learned pseudo-inputs, features and not sentences. A component that is off
    is exactly 0, so that z holds its own indicators and its densities are exact. With w(x) the softmax of a learned
    selector, kl.z is sum_u w_u KL(q(z|x) || q(z|h_u)) + KL(w || uniform) in closed form, an upper bound of KL(q || p).
    The paper takes the u of largest w, its code averages, as here; both leave out KL(w || uniform), without which it is
    the KL of no bound: `published_kl`.

    Args:
        size: C.
        target_rate: alpha, the share of components that should be on, for the penalty `rate`.
        pseudo_inputs: K.
        sharpness: of the relaxed indicators that give a draw its gradient.
        pseudo_sharpness: nu; pseudo-inputs switch components on with probability sigmoid(nu (on - 1/2)).
        relaxed: as published, the decoder reads relaxed indicators in training, and no density scores those draws;
            otherwise exact zeros. Evaluation is the same.

    `rate` is C KL(Bernoulli(mean on of the pseudo-inputs under w) || Bernoulli(alpha)). The published warm-up, which
    freezes mu and sigma at first, is left out.
    """

    variables = ("z",)
    penalties = ("rate",)
    latitude = Latitude(upper_bound=("z",), prior=("selector", "pseudo_inputs"))

    def __init__(
        self,
        features: int,
        /,
        *,
        size: Size = 32,
        target_rate: Open = 0.1,
        pseudo_inputs: Size = 10,
        sharpness: Positive = 100.0,
        pseudo_sharpness: Positive = 10.0,
        relaxed: bool = False,
    ) -> None:
        super().__init__()
        self.code_size = size
        self.target_rate, self.relaxed = target_rate, relaxed
        self.sharpness, self.pseudo_sharpness = sharpness, pseudo_sharpness
        self.on = nn.Linear(features, size)
        self.location = nn.Linear(features, size)
        self.log_variance = nn.Linear(features, size)
        self.selector = nn.Linear(features, pseudo_inputs)
        self.pseudo_inputs = nn.Parameter(nn.init.xavier_normal_(torch.empty(pseudo_inputs, features)))

    def forward(self, h: Tensor, given: Mapping[str, Tensor] | None = None) -> dict[str, Variable]:
        """Draw z, or score given["z"], under h: (*, H) -> {"z": (*, C)}."""
        posterior, components = self._posterior(h), self._components()
        z = given["z"] if given else self._draw(posterior)
        found = Variable.broadcast(
            z,
            h.shape[:-1],
            log_q=lambda: posterior.log_prob(z),
            log_p=lambda: components.log_prob(z.unsqueeze(-2)).logsumexp(-1) - math.log(len(self.pseudo_inputs)),
            kl=lambda: self._kl_selected(h, posterior, components) + self._kl_selection(h),
        )
        return {"z": found}

    def _draw(self, posterior: ZeroInflatedNormal) -> Tensor:
        return posterior.relaxed_rsample() if self.relaxed and self.training else posterior.rsample()

    def _posterior(self, h: Tensor) -> ZeroInflatedNormal:
        return ZeroInflatedNormal(self.on(h), self.location(h), self.log_variance(h), self.sharpness)

    def _components(self) -> ZeroInflatedNormal:
        """Return q(z|h_u) of every pseudo-input, of batch shape (K,)."""
        own = self._posterior(self.pseudo_inputs)
        sharpened = self.pseudo_sharpness * (own.on - 0.5)
        return ZeroInflatedNormal(sharpened, own.slab_mean, own.slab_log_variance, self.sharpness)

    def _kl_selected(self, h: Tensor, posterior: ZeroInflatedNormal, components: ZeroInflatedNormal) -> Tensor:
        """Return sum_u w_u KL(q(z|x) || q(z|h_u)): (*)."""
        return (self.selector(h).softmax(-1) * kl_divergence(posterior.apart(), components)).sum(-1)

    def _kl_selection(self, h: Tensor) -> Tensor:
        """Return KL(w || uniform): (*)."""
        log_w = self.selector(h).log_softmax(-1)
        return (log_w.exp() * log_w).sum(-1) + math.log(len(self.pseudo_inputs))

    def published_kl(self, h: Tensor, variables: Mapping[str, Variable]) -> Tensor:
        """Return the KL without the selection's: (*, H) -> (*)."""
        return self._kl_selected(h, self._posterior(h), self._components()).to(h.dtype)

    def penalty(self, name: str, h: Tensor, variables: Mapping[str, Variable]) -> Tensor:
        """Return `rate` (B,)."""
        if name != "rate":
            return super().penalty(name, h, variables)
        rate = self.selector(h).softmax(-1) @ self._components().on.mean(-1)
        target = Bernoulli(rate.new_tensor(self.target_rate), validate_args=False)
        return self.code_size * kl_divergence(Bernoulli(rate, validate_args=False), target)

    def code(self, values: Mapping[str, Tensor], like: Tensor) -> Tensor:
        """Return z (*, C)."""
        return values["z"]

    def mean(self, h: Tensor) -> Tensor:
        """Return E_q z = on mu(h): (*, H) -> (*, C)."""
        return self._posterior(h).mean

    def prior_parameters(self) -> list[nn.Parameter]:
        """Return the pseudo-inputs."""
        return [self.pseudo_inputs]

    def off(self, h: Tensor) -> Tensor:
        """Return 1 - on: (*, H) -> (*, C)."""
        return torch.sigmoid(-self.on(h))

    def prior_sample(self, shape: Sequence[int]) -> dict[str, Tensor]:
        """Draw z from the prior, of the given batch shape."""
        components = self._components()
        chosen = torch.randint(len(self.pseudo_inputs), tuple(shape), device=self.pseudo_inputs.device)
        return {"z": components.chosen(chosen).sample()}
