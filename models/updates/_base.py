"""What update rules share: how a batch becomes optimiser steps, what that costs, and a state that can be saved."""

import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from uncollapse.models.batch import Batch
from uncollapse.models.objective import Objective
from uncollapse.models.optimizers._base import Optimization
from uncollapse.models.text_vae import TextVAE
from uncollapse.models.trace import Trace


class Update:
    """One batch in, one update out, by a rule of the subclass.

    Args:
        model: that is trained.
        objective: its loss.
        optimization: its optimiser, which counts the updates.
    """

    def __init__(self, model: TextVAE, objective: Objective, optimization: Optimization, /) -> None:
        self.model, self.objective, self.optimization = model, objective, optimization

    def __call__(self, batch: Batch) -> tuple[float, float]:
        """One update; returns the loss and the reconstruction, nats per sentence.

        A loss that is not finite is returned before it can reach the parameters.
        """
        trace = self.model.trace(batch)
        loss = self.loss(batch, trace)
        value = float(loss.detach())
        if math.isfinite(value):
            loss.backward()
            self.step(value)
        return value, float(trace.reconstruction.detach().mean())

    def loss(self, batch: Batch, trace: Trace) -> Tensor:
        """The scalar whose gradient is followed."""
        return self.objective(trace, self.optimization.updates)

    def step(self, loss: float) -> None:
        """Move parameters by the gradients at hand."""
        self.optimization.step()

    def end_epoch(self, measured: Mapping[str, float]) -> None:
        """Note the validation measures of the epoch; a rule that follows them overrides this."""

    def costs(self) -> dict[str, float]:
        """Counts of this rule's own beside the updates, by name."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        assert not state, state
