"""Updates by the score function. Shapes: B sentences."""

import math
from typing import Any

from torch import Tensor

from uncollapse.models.batch import Batch
from uncollapse.models.configuration.bounds import Rate
from uncollapse.models.objective import Objective
from uncollapse.models.optimizers._base import Optimization
from uncollapse.models.text_vae import TextVAE
from uncollapse.models.trace import Trace
from uncollapse.models.updates._base import Update


class ScoreFunction(Update):
    """Joint updates of a model whose draws pass no gradient (NVIL, Mnih & Gregor 2014, Algorithm 1).

    grad E_q[L] = E_q[grad L + A grad log q], A = (L - C(x) - c) / max(1, s): L is the loss of a sentence, C(x) the
    latent's baseline, which learns from A and moves no feature, c and s^2 the running mean and variance of L - C(x).
    Here c and s know the batches before alone, so that A is free of bias; there they have also seen the batch at hand.
    The very first batch, which has none before it, is measured by itself.

    Args:
        decay: share of the running mean and variance that each batch leaves standing.
    """

    needs = ("autoregressive_bernoulli",)

    def __init__(
        self, model: TextVAE, objective: Objective, optimization: Optimization, /, *, decay: Rate = 0.8
    ) -> None:
        super().__init__(model, objective, optimization)
        if floors := [term for term, floor in objective.floors.items() if floor > 0]:
            raise ValueError(
                f"objective.{floors[0]}.floor: score_function updates follow the loss of each sentence, and a floor is "
                "of a batch's mean; remove it."
            )
        self.decay = decay
        self.mean, self.variance = math.nan, math.nan

    def loss(self, batch: Batch, trace: Trace) -> Tensor:
        """The objective, with the score function's part in its gradient alone."""
        losses = self.objective.per_sentence(trace, self.optimization.updates)
        baseline = self.model.per_sentence(batch, self.model.latent.baseline(trace.features.detach()))
        advantage = self.advantage((losses - baseline).detach())
        followed = advantage * (trace.log_q() - baseline)
        return (losses + followed - followed.detach()).mean()

    def advantage(self, signal: Tensor) -> Tensor:
        """A of each sentence, (B,), by the statistics before this batch, which is then noted in them."""
        mean, variance = float(signal.mean()), float(signal.var(correction=0))
        if math.isnan(self.mean):
            self.mean, self.variance = mean, variance
        advantage = (signal - self.mean) / max(1.0, math.sqrt(self.variance))
        self.mean += (1 - self.decay) * (mean - self.mean)
        self.variance += (1 - self.decay) * (variance - self.variance)
        return advantage

    def state_dict(self) -> dict[str, Any]:
        return {"mean": self.mean, "variance": self.variance}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.mean, self.variance = state["mean"], state["variance"]
