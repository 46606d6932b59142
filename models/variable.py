"""One latent variable of one batch. Shapes: * batch (B,), (B, T) or (N, M) for pairs; C components."""

from collections.abc import Callable
from functools import cached_property

import torch
from torch import Size, Tensor

Score = Callable[[], Tensor]


class Variable:
    """A drawn or given value (*, C) with its exact log densities and the KL which the bound charges, all in nats.

    A score is computed when it is first asked for: training by a closed form asks for no density, the mutual
    information for no KL.
    """

    def __init__(self, value: Tensor, log_q: Score, log_p: Score, kl: Score) -> None:
        self.value, self._log_q, self._log_p, self._kl = value, log_q, log_p, kl

    @cached_property
    def log_q(self) -> Tensor:
        """(*,) log q(value | x, parents)."""
        return self._log_q()

    @cached_property
    def log_p(self) -> Tensor:
        """(*,) log p(value | parents)."""
        return self._log_p()

    @cached_property
    def kl(self) -> Tensor:
        """(*,) KL(q || p), in closed form or as the latent states."""
        return self._kl()

    @classmethod
    def broadcast(cls, value: Tensor, batch: Size, log_q: Score, log_p: Score, kl: Score) -> "Variable":
        """Give all four the batch shape of value and features, as views that copy nothing, and the dtype of `value`."""
        shape = torch.broadcast_shapes(value.shape[:-1], batch)

        def fitted(score: Score) -> Score:
            return lambda: score().to(value.dtype).expand(shape)

        return cls(value.expand(*shape, value.shape[-1]), fitted(log_q), fitted(log_p), fitted(kl))
