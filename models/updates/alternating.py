"""Alternating updates."""

from collections.abc import Mapping
from typing import Any

from uncollapse.models.configuration.bounds import Size
from uncollapse.models.objective import Objective
from uncollapse.models.optimizers._base import Optimization
from uncollapse.models.text_vae import TextVAE
from uncollapse.models.updates._base import Update


class Alternating(Update):
    """Epochs that move the decoder alone, then as many that move the encoder alone, and so on (Miao et al. 2016).

    The decoder comes first, as in their released code, which takes ten epochs in turn and a thousand turns of each. A
    training of no more than `epochs` epochs never moves its encoder.

    Args:
        epochs: in a row for one of the two.
    """

    separate = True

    def __init__(
        self, model: TextVAE, objective: Objective, optimization: Optimization, /, *, epochs: Size = 1
    ) -> None:
        super().__init__(model, objective, optimization)
        self.encoder = set(model.inference_parameters())
        self.decoder = set(model.parameters()) - self.encoder
        self.epochs = epochs
        self.ended, self.encoder_updates, self.decoder_updates = 0, 0, 0

    def step(self, loss: float) -> None:
        """Move whose turn it is."""
        if self.ended // self.epochs % 2 == 0:
            self.optimization.step(only=self.decoder)
            self.decoder_updates += 1
        else:
            self.optimization.step(only=self.encoder)
            self.encoder_updates += 1

    def end_epoch(self, measured: Mapping[str, float]) -> None:
        """Count the epoch."""
        self.ended += 1

    def costs(self) -> dict[str, float]:
        """Updates of the encoder alone and of the decoder alone."""
        return {"encoder_updates": float(self.encoder_updates), "decoder_updates": float(self.decoder_updates)}

    def state_dict(self) -> dict[str, Any]:
        return {
            "ended": self.ended,
            "encoder_updates": self.encoder_updates,
            "decoder_updates": self.decoder_updates,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.ended = state["ended"]
        self.encoder_updates, self.decoder_updates = state["encoder_updates"], state["decoder_updates"]
