"""SGD with decay on plateau."""

from collections.abc import Collection
from typing import Any

import torch
from torch import nn

from uncollapse.models.configuration.bounds import Count, Fraction, Positive
from uncollapse.models.optimizers._base import Optimization


class SGD(Optimization):
    """Plain SGD whose rate falls when the validation bound stops improving (Long et al. 2019; Xu & Durrett 2018).

    Args:
        lr: first learning rate; Long et al. use 1, Xu & Durrett 10.
        decay: factor on the rate after a plateau; 0.5 in Long et al., 1/1.2 in Xu & Durrett.
        patience: epochs without improvement that are forgiven.
        clip: largest global norm of the gradient; 5 in Long et al., 0.25 in Xu & Durrett.
        restarts: times that the rate returns to its first value, at equal spans of the training, so that `cycles - 1`
            of them meet the cycles of a schedule of span 1. The reference of cyclical annealing (Fu et al. 2019) lets
            its rate fall and start anew with each cycle, which the paper does not tell apart from the annealing.
    """

    def __init__(
        self,
        model: nn.Module,
        updates: int,
        /,
        *,
        lr: Positive = 1.0,
        decay: Fraction = 0.5,
        patience: Count = 1,
        clip: Positive = 5.0,
        restarts: Count = 0,
    ) -> None:
        super().__init__(model, torch.optim.SGD(model.parameters(), lr=lr), clip)
        self.lr, self.decay, self.patience = lr, decay, patience
        self.restart_at = {round(turn * updates / (restarts + 1)) for turn in range(1, restarts + 1)}
        self.best, self.bad_epochs = float("inf"), 0

    def step(self, only: Collection[nn.Parameter] | None = None) -> None:
        if self.updates in self.restart_at:
            self.set_rate(self.lr)
            self.bad_epochs = 0
        super().step(only)

    def end_epoch(self, bound: float) -> None:
        """Note the validation `bound` (nats, lower is better) and lower the rate on a plateau."""
        if bound < self.best:
            self.best, self.bad_epochs = bound, 0
            return
        self.bad_epochs += 1
        if self.bad_epochs > self.patience:
            self.scale_rate(self.decay)
            self.bad_epochs = 0

    def state_dict(self) -> dict[str, Any]:
        return super().state_dict() | {"best": self.best, "bad_epochs": self.bad_epochs}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.best, self.bad_epochs = state["best"], state["bad_epochs"]
