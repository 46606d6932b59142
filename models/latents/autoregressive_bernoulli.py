"""Binary codes whose components depend on those before. Shapes: * batch (B,) or (B, T); H features; C size; S codes."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from uncollapse.models.configuration.bounds import Several, Size
from uncollapse.models.distributions.products import dot
from uncollapse.models.latents._base import Latent, Latitude
from uncollapse.models.variable import Variable

_LARGEST_EXACT = 10  # components whose 2^C codes are enumerated for the mean
_LARGEST_EXPONENT, _LARGEST_LOGIT = 600.0, 300.0  # exp(600) is a float64, its square is none


class AutoregressiveBernoulli(Latent):
    """q(z|x) = prod_i Bern(sigmoid((W h + U z + b)_i)) against p(z) = prod_i Bern(sigmoid((V z + a)_i)), z in {0, 1}^C.

    U and V are strictly lower triangular, so that component i sees those before it (fDARN, Mnih & Gregor 2014). The KL
    is sum_i KL(q(z_i | z_<i, x) || p(z_i | z_<i)) under the z at hand: unbiased, never negative, of less variance than
    log q - log p, which `kl="sample"` charges as they do. No gradient flows through a draw: `score_function` updates
    follow log q instead. `baseline_hidden` units, with tanh, predict the loss of a sentence from its features.
    """

    variables = ("z",)
    updates = "score_function"
    latitude = Latitude(apart=("predicted_loss",), discrete=True)

    def __init__(
        self,
        features: int,
        /,
        *,
        size: Several = 50,
        kl: Literal["conditional", "sample"] = "conditional",
        baseline_hidden: Size = 100,
    ) -> None:
        super().__init__()
        self.code_size = size
        self.kl = kl
        self.from_features = nn.Linear(features, size)
        self.posterior_before = _Before(size)
        self.prior_bias = nn.Parameter(torch.zeros(size))
        self.prior_before = _Before(size)
        self.predicted_loss = nn.Sequential(
            nn.Linear(features, baseline_hidden), nn.Tanh(), nn.Linear(baseline_hidden, 1, bias=False)
        )

    def forward(self, h: Tensor, given: Mapping[str, Tensor] | None = None) -> dict[str, Variable]:
        """Draw z, or score given["z"], under h: (*, H) -> {"z": (*, C)}."""
        logits = self.from_features(h)
        z = given["z"] if given else _draw(logits, self.posterior_before)
        before = self.posterior_before(z)
        p = cache(lambda: self.prior_bias + self.prior_before(z))
        log_q, log_p = cache(lambda: _log_prob_of_sum(z, logits, before)), cache(lambda: _log_prob(z, p()))
        kl = (
            (lambda: _conditional_kl(logits + before, p())) if self.kl == "conditional" else (lambda: log_q() - log_p())
        )
        return {"z": Variable.broadcast(z, h.shape[:-1], log_q, log_p, kl)}

    def code(self, values: Mapping[str, Tensor], like: Tensor) -> Tensor:
        """Return z (*, C)."""
        return values["z"]

    def prior_parameters(self) -> list[nn.Parameter]:
        """Return V and a."""
        return [self.prior_bias, *self.prior_before.parameters()]

    def mean(self, h: Tensor) -> Tensor:
        """Return E_q z: (*, H) -> (*, C).

        Exact up to 10 components. Beyond, the mean-field recursion m_i = sigmoid((W h + U m + b)_i), which is not exact
        since the sigmoid is not linear; draws would count their own noise as activity of the mean.
        """
        logits = self.from_features(h)
        if self.code_size > _LARGEST_EXACT:
            return _in_order(logits, self.posterior_before.matrix(), lambda probability, i: probability)
        codes = torch.cartesian_prod(*[torch.arange(2.0, device=h.device, dtype=h.dtype)] * self.code_size)  # (S, C)
        log_q = _log_prob(codes, logits.unsqueeze(-2) + self.posterior_before(codes))
        return log_q.exp() @ codes

    def off(self, h: Tensor) -> Tensor:
        """Return q(z_c = 0 | x), with `mean`'s exactness: (*, H) -> (*, C)."""
        return 1 - self.mean(h)

    def prior_sample(self, shape: Sequence[int]) -> dict[str, Tensor]:
        """Draw z from the prior, of the given batch shape."""
        return {"z": _draw(self.prior_bias.expand(*shape, self.code_size), self.prior_before)}

    def baseline(self, h: Tensor) -> Tensor:
        """Return the loss that is expected of a sentence by its features, less a mean kept elsewhere: (*, H) -> (*)."""
        return self.predicted_loss(h).squeeze(-1)


class _Before(nn.Module):
    """sum_{j<i} weight_ij z_j: (*, C) -> (*, C)."""

    below: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        limit = 1 / math.sqrt(size)
        self.weight = nn.Parameter(torch.empty(size * (size - 1) // 2).uniform_(-limit, limit))
        self.register_buffer("below", torch.ones(size, size).tril(-1).bool(), persistent=False)

    def matrix(self) -> Tensor:
        """Return the strictly lower triangular weights (C, C)."""
        return self.weight.new_zeros(self.size, self.size).masked_scatter(self.below, self.weight)

    def forward(self, z: Tensor) -> Tensor:
        return z @ self.matrix().T


def _in_order(logits: Tensor, before: Tensor, choose: Callable[[Tensor, int], Tensor]) -> Tensor:
    """z_i = choose(sigmoid(logits_i + sum_{j<i} before_ij z_j), i), one component after the other: (*, C)."""
    chosen: list[Tensor] = []
    for i in range(before.shape[0]):
        chosen.append(choose(logits[..., i].sigmoid(), i))
        logits = logits + chosen[-1].unsqueeze(-1) * before[:, i]
    return torch.stack(chosen, dim=-1)


@torch.no_grad()
def _draw(logits: Tensor, before: _Before) -> Tensor:
    uniform = torch.rand_like(logits)
    return _in_order(logits, before.matrix(), lambda probability, i: (uniform[..., i] < probability).to(logits.dtype))


def _log_prob(z: Tensor, logits: Tensor) -> Tensor:
    """sum_i log Bern(z_i; sigmoid(logits_i)): (*)."""
    return (z * logits - softplus(logits)).sum(-1)


def _log_prob_of_sum(z: Tensor, left: Tensor, right: Tensor) -> Tensor:
    """sum_i log Bern(z_i; sigmoid(left_i + right_i)): (*), batch shapes broadcast.

    Of pairs, (N, 1, C) with (1, M, C), it never holds (N, M, C): exp(a + b) is a product of what each side has once.
    """
    if torch.is_grad_enabled() or left.shape == right.shape:
        return _log_prob(z, left + right)
    largest = max(float(left.max()), float(right.max()), float(left.max() + right.max()))
    if not largest < _LARGEST_LOGIT:
        return _log_prob(z, left + right)
    return dot(z, left) + dot(z, right) - _softplus_of_sum(left, right, int(_LARGEST_EXPONENT / max(largest, 1.0)))


def _softplus_of_sum(left: Tensor, right: Tensor, at_once: int) -> Tensor:
    """sum_i log(1 + exp left_i exp right_i), so many factors under one logarithm: (*) in float64."""
    sides = [side.double().exp().movedim(-1, 0).contiguous().split(at_once) for side in (left, right)]
    one = torch.ones((), dtype=torch.float64, device=left.device)
    total = torch.zeros(torch.broadcast_shapes(left.shape[:-1], right.shape[:-1]), dtype=one.dtype, device=left.device)
    for some in zip(*sides, strict=True):
        product = torch.ones_like(total)
        for one_left, one_right in zip(*some, strict=True):
            product.mul_(torch.addcmul(one, one_left, one_right))
        total.add_(product.log_())
    return total


def _conditional_kl(q: Tensor, p: Tensor) -> Tensor:
    """sum_i KL(Bern(sigmoid(q_i)) || Bern(sigmoid(p_i))): (*)."""
    return (q.sigmoid() * (q - p) - softplus(q) + softplus(p)).sum(-1)
