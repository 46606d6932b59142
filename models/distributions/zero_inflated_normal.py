"""Normal components that may be exactly zero. Shapes: * batch; C components."""

import math
from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor
from torch.distributions import Distribution, register_kl
from torch.nn.functional import logsigmoid
from torch.types import _size

from uncollapse.models.distributions.products import dot

_LOG_2PI = math.log(2 * math.pi)


class ZeroInflatedNormal(Distribution):
    """prod_c on_c N(mean_c, exp(log_variance_c)) + (1 - on_c) delta_0, on = sigmoid(logit): `on` is the slab's share.

    Densities are with respect to Lebesgue measure plus an atom at 0, on which ratios of two of them do not depend: a
    component that is exactly 0 was off. A draw is exact; its gradient to `on` is that of sigmoid(sharpness (on - 1 +
    uniform)) (Tonolini et al., 2019): straight-through, right on average for what is linear in the indicator.
    """

    arg_constraints: ClassVar[dict] = {}
    has_rsample = True

    def __init__(self, logit: Tensor, mean: Tensor, log_variance: Tensor, sharpness: float = 100.0) -> None:
        self.logit, self.slab_mean, self.slab_log_variance = logit, mean, log_variance
        self.sharpness = sharpness
        super().__init__(mean.shape[:-1], mean.shape[-1:], validate_args=False)

    @property
    def on(self) -> Tensor:
        """Return the probability that a component is not zero: (*, C)."""
        return self.logit.sigmoid()

    @property
    def mean(self) -> Tensor:
        """Return on mean: (*, C)."""
        return self.on * self.slab_mean

    def apart(self) -> "ZeroInflatedNormal":
        """Return the same of batch shape (*, 1), to be compared with several."""
        return self._changed(lambda parameter: parameter.unsqueeze(-2))

    def chosen(self, index: Tensor) -> "ZeroInflatedNormal":
        """Return those of the batch, (K,), that `index` (*) names: of batch shape (*)."""
        return self._changed(lambda parameter: parameter[index])

    def _changed(self, change: Callable[[Tensor], Tensor]) -> "ZeroInflatedNormal":
        logit, mean, log_variance = change(self.logit), change(self.slab_mean), change(self.slab_log_variance)
        return ZeroInflatedNormal(logit, mean, log_variance, self.sharpness)

    def rsample(self, sample_shape: _size = ()) -> Tensor:
        """Draw (*sample, *, C)."""
        relaxed, slab = self._draw(sample_shape)
        indicator = (relaxed > 0.5).to(relaxed.dtype) + (relaxed - relaxed.detach())
        return indicator * slab

    def relaxed_rsample(self, sample_shape: _size = ()) -> Tensor:
        """Draw (*sample, *, C) with indicators between 0 and 1, of which no density is known."""
        relaxed, slab = self._draw(sample_shape)
        return relaxed * slab

    def _draw(self, sample_shape: _size) -> tuple[Tensor, Tensor]:
        shape, like = self._extended_shape(sample_shape), self.slab_mean
        uniform = torch.rand(shape, dtype=like.dtype, device=like.device)
        noise = torch.randn(shape, dtype=like.dtype, device=like.device)
        relaxed = torch.sigmoid(self.sharpness * (uniform - torch.sigmoid(-self.logit)))
        return relaxed, self.slab_mean + (0.5 * self.slab_log_variance).exp() * noise

    def log_prob(self, value: Tensor) -> Tensor:
        """Return the log density in float64 nats, batch shapes broadcast: (*v, C) -> (*)."""
        return self.expected_log_prob((value != 0).double(), value.double(), value.double().square())

    def expected_log_prob(self, on: Tensor, value: Tensor, square: Tensor) -> Tensor:
        """Return E log density of a distribution with these E [z != 0], E z and E z^2, in which it is linear."""
        logit, mean, log_variance = self.logit.double(), self.slab_mean.double(), self.slab_log_variance.double()
        precision, log_off = (-log_variance).exp(), logsigmoid(-logit)
        when_on = logsigmoid(logit) - 0.5 * (mean.square() * precision + log_variance + _LOG_2PI)
        quadratic = dot(value, mean * precision) - 0.5 * dot(square, precision)
        return dot(on, when_on - log_off) + log_off.sum(-1) + quadratic


@register_kl(ZeroInflatedNormal, ZeroInflatedNormal)
def _kl_zero_inflated_normal(q: ZeroInflatedNormal, p: ZeroInflatedNormal) -> Tensor:
    """Return sum_c on_q KL(slab_q || slab_p) + KL(Bernoulli(on_q) || Bernoulli(on_p)), batch shapes broadcast."""
    on, mean = q.on.double(), q.slab_mean.double()
    moments = (on, on * mean, on * (mean.square() + q.slab_log_variance.double().exp()))
    return q.expected_log_prob(*moments) - p.expected_log_prob(*moments)
