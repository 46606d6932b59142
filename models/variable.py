"""One latent variable of one batch. Shapes: * batch (B,), (B, T) or (N, M) for pairs; C components."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Variable:
    """A drawn or given value with its exact log densities and the KL which the bound charges, all in nats."""

    value: Tensor  # (*, C)
    log_q: Tensor  # (*,)  log q(value | x, parents)
    log_p: Tensor  # (*,)  log p(value | parents)
    kl: Tensor  # (*,)  KL(q || p), in closed form or as the latent states

    @classmethod
    def broadcast(cls, value: Tensor, log_q: Tensor, log_p: Tensor, kl: Tensor) -> "Variable":
        """Give all four fields one batch shape, as views that copy nothing, and the dtype of `value`."""
        shape = torch.broadcast_shapes(value.shape[:-1], log_q.shape, log_p.shape, kl.shape)
        scores = [score.to(value.dtype).expand(shape) for score in (log_q, log_p, kl)]
        return cls(value.expand(*shape, value.shape[-1]), *scores)
