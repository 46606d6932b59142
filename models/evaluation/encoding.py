"""Sentences as vectors: what a trained model's encoder makes of a set, for probes.

Shapes: N sentences, B of a batch, T steps, K draws, C code, H features.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from uncollapse.models.batch import Batch
from uncollapse.models.text_vae import TextVAE


@dataclass(frozen=True)
class Codes:
    """A row a sentence; where every token has a code, the mean over its tokens.

    Args:
        means: (N, C) posterior means.
        draws: (K, N, C) posterior samples.
        features: (N, H) encoder features.
        variances: (N, C) posterior variances, or None without a closed form.
        off: (N, C) probability that a component is switched off, or None for dense codes.
        labels: (N,) classes, or None.
    """

    means: Tensor
    draws: Tensor
    features: Tensor
    variances: Tensor | None
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
    return Codes(
        joined["means"], joined["draws"], joined["features"], joined.get("variances"), joined.get("off"), labels
    )


@contextmanager
def measuring(model: TextVAE, seed: int) -> Iterator[None]:
    """Evaluation mode without gradients under a generator of its own; everything is left as it was."""
    training, device = model.training, model.output.logits.weight.device
    model.eval()
    try:
        with torch.inference_mode(), torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(seed)
            yield
    finally:
        model.train(training)


def _encode(model: TextVAE, batch: Batch, draws: int) -> dict[str, Tensor]:
    pooled = model.encode(batch).pooled
    h = pooled.expand(draws, *pooled.shape)
    found = {
        "means": sentence_rows(model, batch, model.latent.mean(pooled)),
        "draws": sentence_rows(model, batch, model.code(model.latent(h), h)),
        "features": sentence_rows(model, batch, pooled),
    }
    sometimes = {"variances": model.latent.variance(pooled), "off": model.latent.off(pooled)}
    return found | {name: sentence_rows(model, batch, value) for name, value in sometimes.items() if value is not None}


def sentence_rows(model: TextVAE, batch: Batch, values: Tensor) -> Tensor:
    """(*, B, D) as it is, or (*, B, T, D) averaged over the tokens of each sentence."""
    if model.pool.at != "tokens":
        return values
    mask = batch.mask.unsqueeze(-1)
    return values.masked_fill(~mask, 0.0).sum(-2) / mask.sum(-2)


class Tokens(NamedTuple):
    """A row a token, EOS and padding left out: vectors (M, C), the sentence of each (M,) and its word id (M,)."""

    vectors: Tensor
    sentences: Tensor
    types: Tensor


def encode_tokens(model: TextVAE, batches: Sequence[Batch]) -> Tokens:
    """Vectors of the words of a set: posterior means where every token has a code, else the encoder's features."""
    rows, first = [], 0
    with measuring(model, 0):
        for batch in batches:
            encoded = model.encode(batch)
            vectors = model.latent.mean(encoded.pooled) if model.pool.at == "tokens" else encoded.steps
            sentences = torch.arange(first, first + len(batch.tokens), device=batch.tokens.device)
            owners = sentences.unsqueeze(1).expand_as(batch.tokens)
            rows.append(Tokens(vectors[batch.words], owners[batch.words], batch.tokens[batch.words]))
            first += len(batch.tokens)
    return Tokens(*(torch.cat(parts) for parts in zip(*rows, strict=True)))
