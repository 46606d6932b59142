"""What the optimisers share: clipping, counting, the learning rate, and a state that can be saved."""

from collections.abc import Collection
from typing import Any

import torch
from torch import nn


class Optimization:
    """A torch optimiser with clipping by global norm.

    Args:
        model: whose parameters are updated.
        optimizer: the torch optimiser over them.
        clip: largest global norm of the gradient.
    """

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer, clip: float) -> None:
        self.parameters = list(model.parameters())
        self.optimizer, self.clip, self.updates = optimizer, clip, 0

    def step(self, only: Collection[nn.Parameter] | None = None) -> None:
        """One update from the gradients at hand, which are then cleared.

        Args:
            only: parameters that move; clipping counts the gradients of all. The state of the others (Adam's moments
                and steps) stays as it is, so that this equals separate optimisers.
        """
        nn.utils.clip_grad_norm_(self.parameters, self.clip)
        if only is not None:
            moved = set(map(id, only))
            for parameter in self.parameters:
                if id(parameter) not in moved:
                    parameter.grad = None
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.updates += 1

    def end_epoch(self, bound: float) -> None:
        """Note the validation `bound` of the epoch; a rule that follows it overrides this."""

    def set_rate(self, rate: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    def scale_rate(self, factor: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] *= factor

    def state_dict(self) -> dict[str, Any]:
        return {"optimizer": self.optimizer.state_dict(), "updates": self.updates}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.optimizer.load_state_dict(state["optimizer"])
        self.updates = state["updates"]
