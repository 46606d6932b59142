"""Aggressive updates of the encoder."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor

from uncollapse.models.batch import Batch
from uncollapse.models.configuration.bounds import Count, Size
from uncollapse.models.objective import Objective
from uncollapse.models.optimizers._base import Optimization
from uncollapse.models.text_vae import TextVAE
from uncollapse.models.trace import Trace
from uncollapse.models.updates._base import Update


@dataclass
class Progress:
    """Where an aggressive training stands: all that a resumed one needs."""

    aggressive: bool = True
    encoder_updates: int = 0  # of the encoder alone, in all
    decoder_updates: int = 0  # of the decoder alone, in all
    inner: int = 0  # of the encoder, since the decoder last moved
    converged: bool = False  # the encoder has done its share; the decoder is next
    loss: float = 0.0  # nats of the window so far
    targets: int = 0  # of the window so far
    loss_before: float = math.inf  # nats a target in the window before
    mi: float = -math.inf  # of the epoch before
    falls: int = 0  # epochs in a row that lowered it


class Aggressive(Update):
    """The encoder is trained to convergence before each update of the decoder, until that no longer pays.

    He et al. 2019, Algorithm 1: updates of the encoder alone go on until `inner` of them or until the loss a word of a
    window has risen over the window before; one update of the decoder alone follows. When the mutual information of the
    validation sentences falls, both move together from then on. Every batch of an epoch makes one update here, so that
    a budget of updates means the same for every rule; there the encoder's batches are drawn afresh at random, an epoch
    is one of decoder updates, so that the information is compared after more of them, and the decoder learns from the
    batch that the encoder's inner loop started on.

    Args:
        inner: most updates of the encoder for one of the decoder.
        window: updates over which the loss is averaged to tell convergence; above `inner` it is never told.
        patience: falls of the mutual information in a row that are forgiven; none in He et al.
    """

    separate = True

    def __init__(
        self,
        model: TextVAE,
        objective: Objective,
        optimization: Optimization,
        /,
        *,
        inner: Size = 100,
        window: Size = 15,
        patience: Count = 0,
    ) -> None:
        super().__init__(model, objective, optimization)
        self.encoder = set(model.inference_parameters())
        self.decoder = set(model.parameters()) - self.encoder
        self.inner, self.window, self.patience = inner, window, patience
        self.progress = Progress()
        self._sentences, self._targets = 0, 0  # of the batch at hand

    def loss(self, batch: Batch, trace: Trace) -> Tensor:
        """The objective; the size of the batch is noted, since windows average over words."""
        self._sentences, self._targets = len(batch.tokens), int(self.model.output.targets(batch).sum())
        return super().loss(batch, trace)

    def step(self, loss: float) -> None:
        """Move the encoder, the decoder or, once the encoder has caught up, both."""
        if not self.progress.aggressive:
            self.optimization.step()
        elif self.progress.converged:
            self.optimization.step(only=self.decoder)
            self._begin_inner_loop()
        else:
            self.optimization.step(only=self.encoder)
            self._note(loss)

    def _begin_inner_loop(self) -> None:
        now = self.progress
        now.decoder_updates += 1
        now.inner, now.converged = 0, False
        now.loss, now.targets, now.loss_before = 0.0, 0, math.inf

    def _note(self, loss: float) -> None:
        now = self.progress
        now.encoder_updates += 1
        now.inner += 1
        now.loss += loss * self._sentences
        now.targets += self._targets
        now.converged = now.inner >= self.inner
        if now.inner % self.window == 0:
            average = now.loss / now.targets
            now.converged |= average > now.loss_before
            now.loss, now.targets, now.loss_before = 0.0, 0, average

    def end_epoch(self, measured: Mapping[str, float]) -> None:
        """Drop the flag when the mutual information has fallen too often in a row.

        Raises:
            ValueError: the latent has no mutual information.
        """
        if "mi" not in measured:
            raise ValueError(
                "updates.kind: aggressive updates end when the mutual information falls, and this latent has none that "
                "can be measured; use `joint`."
            )
        now = self.progress
        now.falls = now.falls + 1 if measured["mi"] < now.mi else 0
        now.mi = measured["mi"]
        now.aggressive &= now.falls <= self.patience

    def costs(self) -> dict[str, float]:
        """Updates of the encoder alone and of the decoder alone; all others moved both."""
        return {
            "encoder_updates": float(self.progress.encoder_updates),
            "decoder_updates": float(self.progress.decoder_updates),
        }

    def state_dict(self) -> dict[str, Any]:
        return asdict(self.progress)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.progress = Progress(**state)
