"""Sentences as vectors: what a trained model's encoder makes of a set, for probes.

Shapes: N sentences, B of a batch, T steps, K draws, C code, H features.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from models.batch import Batch
from models.text_vae import TextVAE


@dataclass(frozen=True)
class Codes:
    """A row a sentence; where every token has a code, the mean over its tokens.

    Args:
        means: (N, C) posterior means.
        draws: (K, N, C) posterior samples.
        features: (N, H) encoder features.
        off: (N, C) probability that a component is switched off, or None for dense codes.
        labels: (N,) classes, or None.
    """

    means: Tensor
    draws: Tensor
    features: Tensor
    off: Tensor | None
    labels: Tensor | None

    def cpu(self) -> "Codes":
        """The same codes where probes are trained."""
        moved = (None if value is None else value.cpu() for value in vars(self).values())
        return Codes(*moved)  # type: ignore[arg-type]


def encode(model: TextVAE, batches: Sequence[Batch], draws: int, seed: int) -> Codes:
    """Encode a set in evaluation mode with `draws` samples of each code; the global generator is left as it was."""
    with measuring(model, seed):
        rows = [_encode(model, batch, draws) for batch in batches]
    joined = {name: torch.cat([row[name] for row in rows], dim=1 if name == "draws" else 0) for name in rows[0]}
    known = [batch.labels for batch in batches if batch.labels is not None]
    labels = torch.cat(known) if known else None
    return Codes(joined["means"], joined["draws"], joined["features"], joined.get("off"), labels)


@contextmanager
def measuring(model: TextVAE, seed: int) -> Iterator[None]:
    """Evaluation mode without gradients under a generator of its own; everything is left as it was."""
    training = model.training
    model.eval()
    with torch.inference_mode(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
    model.train(training)


def _encode(model: TextVAE, batch: Batch, draws: int) -> dict[str, Tensor]:
    pooled = model.encode(batch).pooled
    h = pooled.expand(draws, *pooled.shape)
    found = {
        "means": sentence_rows(model, batch, model.latent.mean(pooled)),
        "draws": sentence_rows(model, batch, model.code(model.latent(h), h)),
        "features": sentence_rows(model, batch, pooled),
    }
    off = model.latent.off(pooled)
    return found if off is None else found | {"off": sentence_rows(model, batch, off)}


def sentence_rows(model: TextVAE, batch: Batch, values: Tensor) -> Tensor:
    """(*, B, D) as it is, or (*, B, T, D) averaged over the tokens of each sentence."""
    if model.pool.at != "tokens":
        return values
    mask = batch.mask.unsqueeze(-1)
    return values.masked_fill(~mask, 0.0).sum(-2) / mask.sum(-2)
