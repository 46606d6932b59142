"""The divergence of two Laplace distributions. Shapes: * batch; C components."""

from torch import Tensor


def kl(mean: Tensor, scale: Tensor, prior_scale: float) -> Tensor:
    """KL of Laplace(mean, scale) from Laplace(0, prior_scale), summed over components: (*, C) -> (*,) in nats.

    KL = log(s/b) + |mu|/s + (b/s) exp(-|mu|/b) - 1.
    """
    distance = mean.abs()
    ratio = scale / prior_scale
    return (-ratio.log() + distance / prior_scale + ratio * (-distance / scale).exp() - 1).sum(-1)
