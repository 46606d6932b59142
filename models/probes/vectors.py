"""One vector a sentence, for other tasks. Shapes: B sentences, T steps, E embedding, D of the vectors.

Vectors of tokens are their posterior means where every token has a code (VAT), else the encoder's states.
"""

from collections.abc import Callable, Mapping

from torch import Tensor

from uncollapse.models.batch import Batch
from uncollapse.models.text_vae import TextVAE

Vectors = Callable[[TextVAE, Batch], Tensor]  # -> (B, D); gradients reach everything that made them


def code(model: TextVAE, batch: Batch) -> Tensor:
    """The posterior mean of the sentence's code."""
    return model.latent.mean(model.encode(batch).pooled)


def start(model: TextVAE, batch: Batch) -> Tensor:
    """The vector of the first token; of an encoder with a symbol of its own in front, such as [CLS], of that."""
    if hasattr(model.encoder, "start"):
        return model.encoder.start(batch.tokens, batch.mask)
    return _tokens(model, batch)[:, 0]


def total(model: TextVAE, batch: Batch) -> Tensor:
    """The sum of the vectors of words and EOS."""
    return _tokens(model, batch).masked_fill(~batch.mask.unsqueeze(-1), 0.0).sum(1)


def mean(model: TextVAE, batch: Batch) -> Tensor:
    """The mean of the vectors of words and EOS."""
    return total(model, batch) / batch.lengths.unsqueeze(1)


def words(model: TextVAE, batch: Batch) -> Tensor:
    """The mean embedding of the words in the decoder's table, EOS left out: (B, E); zeros without a word."""
    kept = model.inputs.table(batch.tokens).masked_fill(~batch.words.unsqueeze(-1), 0.0)
    return kept.sum(1) / batch.words.sum(1, keepdim=True).clamp_min(1)


OF_TOKENS: Mapping[str, Vectors] = {"start": start, "mean": mean, "sum": total}
VECTORS: Mapping[str, Vectors] = {"code": code, **OF_TOKENS}


def offered(model: TextVAE) -> tuple[str, ...]:
    """Names in `VECTORS` that the model has, the usual ones first; none without an encoder."""
    if model.encoder.size == 0:
        return ()
    if model.pool.at == "tokens" or not model.latent.variables:
        return tuple(OF_TOKENS)
    return tuple(VECTORS)


def usual(model: TextVAE) -> tuple[str, ...]:
    """What is compared unless asked otherwise: the code of a sentence, or all that is made of tokens."""
    return offered(model)[:1] if "code" in offered(model) else offered(model)


def _tokens(model: TextVAE, batch: Batch) -> Tensor:
    """(B, T, D), what stands at padding included."""
    encoded = model.encode(batch)
    return model.latent.mean(encoded.pooled) if model.pool.at == "tokens" else encoded.steps
