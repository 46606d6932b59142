"""Joint updates."""

from typing import Literal

from torch import Tensor

from uncollapse.models.batch import Batch
from uncollapse.models.objective import Objective
from uncollapse.models.optimizers._base import Optimization
from uncollapse.models.text_vae import TextVAE
from uncollapse.models.trace import Trace
from uncollapse.models.updates._base import Update


class Joint(Update):
    """Encoder and decoder take one step together on every batch.

    Args:
        sentences: `mean` over the batch; `sum`, as Li et al. 2019, whose gradients grow with the batch: with clipping
            or SGD another training, the same measures.
        reconstruction: `sum` over the words; `mean_times_79` as the code that Li et al. 2019 cite for their VAE-CNN,
            79 times the mean over all words of the batch, which is no bound: its measures are those of the bound.
    """

    def __init__(
        self,
        model: TextVAE,
        objective: Objective,
        optimization: Optimization,
        /,
        *,
        sentences: Literal["mean", "sum"] = "mean",
        reconstruction: Literal["sum", "mean_times_79"] = "sum",
    ) -> None:
        super().__init__(model, objective, optimization)
        self.sentences, self.reconstruction = sentences, reconstruction

    def loss(self, batch: Batch, trace: Trace) -> Tensor:
        """The objective, with its sums and means as the options say."""
        losses = self.objective.per_sentence(trace, self.optimization.updates)
        if self.reconstruction == "mean_times_79":
            a_word = trace.reconstruction.sum() / self.model.output.targets(batch).sum()
            losses = losses - trace.reconstruction + 79 * a_word
        return losses.sum() if self.sentences == "sum" else losses.mean()
