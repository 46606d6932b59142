"""Posteriors known by their draws. Shapes: * batch (B,) or (B, T); H features; E noise; C size; S nodes; K draws."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, linear
from torch.quasirandom import SobolEngine

from uncollapse.models.configuration.bounds import Count, Size
from uncollapse.models.distributions import diagonal_normal
from uncollapse.models.distributions.full_normal import FullNormal, factor_of
from uncollapse.models.latents._base import Latent, Latitude
from uncollapse.models.variable import Score, Variable

_FEWEST_NODES = 256  # of a fit; four times as many make a mean
_PARTICLES = 16  # of the prior, for every sentence that is measured
_INFLATION = 1.21  # of the fitted variances: too wide a proposal costs samples, too narrow a one stays biased
_FLOOR = 1e-6  # added to them, so that a generator that ignores its noise has a density too


class Implicit(Latent):
    """z = G(h, eps), eps ~ N(0, I), against p(z) = N(0, I) (Fang et al., 2019).

    The objective's `dual` is E_q nu(x, z) of a critic nu that `adversarial` updates train to maximise the dual form
    KL(q || p) = max_nu E_q nu - E_p exp nu + 1: never above the KL, and below it by what the critic misses. h reaches
    the critic detached: the gradient of the dual form at its maximum is that through z alone.

    Args:
        size: C.
        noise: E; 0 is as many as `size`.
        generator: `linear` in [h; eps], as published, which is the Gaussian N(A h + b, B B^T) with one covariance for
            all: every figure is exact, `kl.z` included, and `published_kl` alone is the critic's. `mlp` has no
            density: `Variable.kl` is the dual form, log_q that of a Gaussian fitted to G(h, .) with wider variances,
            which is no density of the draw, and importance weights draw from that Gaussian.
        critic: `joint` nu(x, z) (iVAE), or `marginal` nu(z), the KL of the aggregate posterior (iVAE_MI).
        hidden: leaky units of a layer, of the critic and of an mlp generator.
        layers: such layers of each.
    """

    variables = ("z",)
    penalties = ("dual",)
    charges = ("dual",)
    updates = "adversarial"
    latitude = Latitude(prior=("critic",), apart=("critic",))
    nodes: Tensor

    def __init__(
        self,
        features: int,
        /,
        *,
        size: Size = 32,
        noise: Count = 0,
        generator: Literal["linear", "mlp"] = "linear",
        critic: Literal["joint", "marginal"] = "joint",
        hidden: Size = 512,
        layers: Size = 3,
    ) -> None:
        super().__init__()
        noise = noise or size
        self.code_size, self.noise, self._fit_nodes = size, noise, max(_FEWEST_NODES, 4 * noise)
        self.kl_is_dual = generator == "mlp"
        if generator == "linear":
            _check_rank(noise, size)
            self.generator: nn.Module = _Beside(features, noise, size)
        else:
            self.generator = _Perceptron(features, noise, size, hidden, layers)
            self.register_buffer("nodes", _normal_nodes(noise, 4 * self._fit_nodes), persistent=False)
        self.critic = _Perceptron(features if critic == "joint" else 0, size, 1, hidden, layers)

    def forward(self, h: Tensor, given: Mapping[str, Tensor] | None = None) -> dict[str, Variable]:
        """Draw z, or score given["z"], under h: (*, H) -> {"z": (*, C)}."""
        density = cache(lambda: self._density(h))
        z = given["z"] if given else self.draw(h)
        if not self.kl_is_dual:
            return self._variable(h, density, z, lambda: density().kl_to_standard())
        dual = self._measured_dual(h, z)  # at once: it draws
        return self._variable(h, density, z, lambda: dual)

    def draw(self, h: Tensor) -> Tensor:
        """Draw z alone: (*, H) -> (*, C)."""
        z: Tensor = self.generator(h, torch.randn(*h.shape[:-1], self.noise, dtype=h.dtype, device=h.device))
        return z

    def propose(self, h: Tensor) -> dict[str, Variable]:
        """Draw from the Gaussian that log_q is of: (*, H) -> {"z": (*, C)}."""
        density = self._density(h)
        return self._variable(h, lambda: density, density.rsample().to(h.dtype), density.kl_to_standard)

    def _variable(self, h: Tensor, density: Callable[[], FullNormal], z: Tensor, kl: Score) -> dict[str, Variable]:
        zeros = z.new_zeros(self.code_size)
        found = Variable.broadcast(
            z,
            h.shape[:-1],
            log_q=lambda: density().log_prob(z),
            log_p=lambda: diagonal_normal.log_prob(z, zeros, zeros),
            kl=kl,
        )
        return {"z": found}

    def _density(self, h: Tensor) -> FullNormal:
        """Return q(z|x) of a linear generator, or a Gaussian fitted to that of another, of batch shape (*)."""
        if isinstance(self.generator, _Beside):
            from_noise = self.generator.weight[:, -self.noise :]
            return FullNormal(self.generator.location(h), factor_of(from_noise.mT))
        return self._fitted(h)

    @torch.no_grad()
    def _fitted(self, h: Tensor) -> FullNormal:
        # Nothing is learned from the density of a fit: in training a coarse one will do.
        points = self._points(h, self._fit_nodes // 4 if self.training else self._fit_nodes)
        mean = points.mean(-2)
        floor = (_FLOOR**0.5 * torch.eye(self.code_size).to(points)).expand(*mean.shape[:-1], -1, -1)
        rows = torch.cat([(points - mean.unsqueeze(-2)) * (_INFLATION / points.shape[-2]) ** 0.5, floor], -2)
        return FullNormal(mean.expand(*h.shape[:-1], -1), factor_of(rows))

    def _points(self, h: Tensor, count: int) -> Tensor:
        """Draws of the generator that fill its distribution evenly, in float64: (*, H) -> (*, S, C)."""
        points: Tensor = self.generator(_distinct(h).unsqueeze(-2), self.nodes[:count])
        return points.double()

    def dual(self, h: Tensor, z: Tensor, draws: int = 1) -> Tensor:
        """Return nu(x, z) - 1/K sum_k exp nu(x, z'_k) + 1 with z'_k of the prior: (*, H), (*, C) -> (*) in float64.

        Its expectation over z is the dual form. exp is not clamped: it overflows from 709 nats on.
        """
        prior = torch.randn(draws, *h.shape[:-1], self.code_size, dtype=h.dtype, device=h.device)
        on_prior = self._criticised(h, prior).double().exp().mean(0)
        return self._criticised(h, z).double() - on_prior + 1

    @torch.no_grad()
    def _measured_dual(self, h: Tensor, z: Tensor) -> Tensor:
        return self.dual(h, z, 1 if self.training else _PARTICLES)

    def _criticised(self, h: Tensor, z: Tensor) -> Tensor:
        nu: Tensor = self.critic(h.detach(), z)
        return nu.squeeze(-1)

    def penalty(self, name: str, h: Tensor, variables: Mapping[str, Variable]) -> Tensor:
        """Return `dual`, nu(x, z), under features (B, H): (B,)."""
        if name != "dual":
            return super().penalty(name, h, variables)
        return self._criticised(h, variables["z"].value)

    def published_kl(self, h: Tensor, variables: Mapping[str, Variable]) -> Tensor:
        """Return the dual form (*) at the values at hand."""
        z = variables["z"]
        return z.kl if self.kl_is_dual else self._measured_dual(h, z.value).to(z.kl.dtype)

    def code(self, values: Mapping[str, Tensor], like: Tensor) -> Tensor:
        """Return z (*, C)."""
        return values["z"]

    def mean(self, h: Tensor) -> Tensor:
        """Return E_q z, exactly or over quasi-random noise: (*, H) -> (*, C)."""
        if isinstance(self.generator, _Beside):
            return self.generator.location(h)
        return self._points(h, len(self.nodes)).mean(-2).to(h.dtype).expand(*h.shape[:-1], -1)

    def prior_sample(self, shape: Sequence[int]) -> dict[str, Tensor]:
        """Draw z from the prior, of the given batch shape."""
        parameter = next(self.generator.parameters())
        return {"z": torch.randn(*shape, self.code_size).to(parameter)}


class _Beside(nn.Linear):
    """A linear map of [h; u] that never sets the two side by side, so that their batch shapes may broadcast."""

    def __init__(self, features: int, others: int, out: int) -> None:
        super().__init__(features + others, out)
        self.features = features

    def location(self, h: Tensor) -> Tensor:
        """Its value at u = 0: (*, H) -> (*, out)."""
        return linear(h, self.weight[:, : self.features], self.bias)

    def forward(self, h: Tensor, u: Tensor) -> Tensor:  # type: ignore[override]
        from_u = linear(u, self.weight[:, self.features :])
        return self.location(h) + from_u if self.features else from_u + self.bias


class _Perceptron(nn.Module):
    """Leaky layers on [h; u], or on u alone without features: (*, H), (*, U) -> (*, out)."""

    def __init__(self, features: int, others: int, out: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.first = _Beside(features, others, hidden)
        self.rest = nn.ModuleList([nn.Linear(hidden, hidden) for _ in range(layers - 1)])
        self.last = nn.Linear(hidden, out)

    def forward(self, h: Tensor, u: Tensor) -> Tensor:
        inner = leaky_relu(self.first(h, u))
        for layer in self.rest:
            inner = leaky_relu(layer(inner))
        value: Tensor = self.last(inner)
        return value


def _check_rank(noise: int, size: int) -> None:
    if noise < size:
        raise ValueError(
            f"latent.noise: a linear generator fills {size} dimensions from as many numbers or more, or its draws have "
            f"no density; use {size} or more, 0 for as many, or `generator: mlp`, found {noise}"
        )


def _normal_nodes(dimensions: int, count: int) -> Tensor:
    """Points that fill the standard normal distribution evenly, the first half of them too: (count, dimensions)."""
    uniform = SobolEngine(dimensions, scramble=True, seed=0).draw(count, dtype=torch.float64)
    return torch.special.ndtri(uniform.clamp(1e-9, 1 - 1e-9)).float()


def _distinct(h: Tensor) -> Tensor:
    """The rows of h less the copies that `expand` made of them: (*, H) to a shape that broadcasts to it."""
    return h[tuple(slice(1) if stride == 0 else slice(None) for stride in h.stride()[:-1])]
