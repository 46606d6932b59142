"""Normal distributions with independent components. Shapes: * batch; C components."""

import math

from torch import Tensor
from torch.distributions import Normal, kl_divergence

from uncollapse.models.distributions.products import dot


def log_prob(value: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return log N(value; mean, diag exp(log_variance)) in float64 nats: (*v, C), (*q, C) -> (*) broadcast."""
    mean, log_variance = mean.double(), log_variance.double()
    precision = (-log_variance).exp()
    constant = (mean.square() * precision + log_variance + math.log(2 * math.pi)).sum(-1)
    return dot(value, mean * precision) - 0.5 * (dot(value.double().square(), precision) + constant)


def kl(mean: Tensor, log_variance: Tensor, prior_scale: float) -> Tensor:
    """Return KL(N(mean, exp(log_variance)) || N(0, prior_scale^2)) for each component in nats: (*, C) -> (*, C)."""
    posterior = Normal(mean, (0.5 * log_variance).exp(), validate_args=False)
    prior = Normal(mean.new_zeros(()), mean.new_tensor(prior_scale), validate_args=False)
    return kl_divergence(posterior, prior)
