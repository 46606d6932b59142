"""Joint updates."""

import math

from models.batch import Batch
from models.objective import Objective
from models.optimization import Optimization
from models.text_vae import TextVAE


class Joint:
    """Encoder and decoder take one step together on every batch."""

    def __init__(self, model: TextVAE, objective: Objective, optimization: Optimization, /) -> None:
        self.model, self.objective, self.optimization = model, objective, optimization

    def __call__(self, batch: Batch) -> tuple[float, float]:
        """One update; returns the loss and the reconstruction, nats per sentence.

        A loss that is not finite is returned before it can reach the parameters.
        """
        trace = self.model.trace(batch)
        loss = self.objective(trace, self.optimization.updates)
        value = float(loss.detach())
        if math.isfinite(value):
            loss.backward()
            self.optimization.step()
        return value, float(trace.reconstruction.detach().mean())
