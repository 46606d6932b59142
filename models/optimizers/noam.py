"""Noam warm-up."""

from collections.abc import Collection

import torch
from torch import nn

from uncollapse.models.configuration.bounds import Fraction, Positive
from uncollapse.models.optimizers._base import Optimization


class Noam(Optimization):
    """Adam whose rate rises linearly and then falls with the square root (Vaswani et al. 2017, section 5.3).

    lr(t) = peak * min(t / w, sqrt(w / t)), w = warmup * updates; the paper's factor * H^-0.5 is peak * w^0.5.

    Args:
        peak: the highest rate, reached at the end of the warm-up.
        warmup: share of the training, so that it scales with corpus and batch size.
        clip: largest global norm of the gradient.
    """

    def __init__(
        self, model: nn.Module, updates: int, /, *, peak: Positive = 1e-3, warmup: Fraction = 0.2, clip: Positive = 5.0
    ) -> None:
        adam = torch.optim.Adam(model.parameters(), lr=peak, betas=(0.9, 0.98), eps=1e-9, fused=True)
        super().__init__(model, adam, clip)
        self.peak, self.warmup_updates = peak, max(1.0, warmup * updates)

    def step(self, only: Collection[nn.Parameter] | None = None) -> None:
        t = self.updates + 1
        self.set_rate(self.peak * min(t / self.warmup_updates, (self.warmup_updates / t) ** 0.5))
        super().step(only)
