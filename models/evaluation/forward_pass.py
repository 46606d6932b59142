"""One pass of a model over a set of sentences: what all measures are computed from.

Shapes: B sentences of a batch, T steps, H features, C code, K importance samples.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from uncollapse.models.batch import Batch
from uncollapse.models.text_vae import Encoded, TextVAE, Variables

ROWS = 512  # sequences decoded at once by importance sampling


@dataclass
class Gathered:
    """A row a sentence; of features, values, codes and means a row a token where every token has a code."""

    reconstruction: list[Tensor] = field(default_factory=list)
    bound: list[Tensor] = field(default_factory=list)
    published: list[Tensor] = field(default_factory=list)
    log_weights: list[Tensor] = field(default_factory=list)
    kl: dict[str, list[Tensor]] = field(default_factory=dict)
    gain: list[Tensor] = field(default_factory=list)
    features: list[Tensor] = field(default_factory=list)
    values: dict[str, list[Tensor]] = field(default_factory=dict)
    codes: list[Tensor] = field(default_factory=list)
    means: list[Tensor] = field(default_factory=list)
    correct: list[Tensor] = field(default_factory=list)
    targets: int = 0
    words: int = 0


def gather(model: TextVAE, batches: Sequence[Batch], samples: int) -> Gathered:
    """Run `model` over `batches`, with `samples` importance samples of each sentence."""
    kept = Gathered()
    for batch in batches:
        encoded = model.encode(batch)
        variables = model.latent(encoded.pooled)
        code = model.code(variables, encoded.pooled)
        log_likelihood = model.decode(batch, code)
        kept.reconstruction.append(-log_likelihood)
        kept.targets += int(model.output.targets(batch).sum())
        kept.words += int(batch.words.sum())
        if model.decoder.predicts == "label":
            kept.correct.append(_correct(model, batch, code))
        if variables:
            _note_likelihood(kept, model, batch, encoded, variables, code, log_likelihood)
            kept.log_weights.append(log_weights(model, batch, encoded, samples))
            _note_codes(kept, model, batch, encoded, variables, code)
    return kept


def _note_likelihood(
    kept: Gathered,
    model: TextVAE,
    batch: Batch,
    encoded: Encoded,
    variables: Variables,
    code: Tensor,
    log_likelihood: Tensor,
) -> None:
    kl = {name: model.per_sentence(batch, variable.kl) for name, variable in variables.items()}
    kept.bound.append(torch.stack([-log_likelihood, *kl.values()]).sum(0))
    kept.gain.append(log_likelihood - _with_another_code(model, batch, code))
    _extend(kept.kl, kl)
    published = model.published(batch, encoded, variables, log_likelihood)
    if published is not None:
        kept.published.append(published)


def _note_codes(
    kept: Gathered, model: TextVAE, batch: Batch, encoded: Encoded, variables: Variables, code: Tensor
) -> None:
    _extend(kept.values, {name: units(model, batch, variable.value) for name, variable in variables.items()})
    kept.features.append(units(model, batch, encoded.pooled))
    kept.codes.append(units(model, batch, code))
    kept.means.append(units(model, batch, model.latent.mean(encoded.pooled)))


def _correct(model: TextVAE, batch: Batch, code: Tensor) -> Tensor:
    """(B,) true where the likeliest class is the sentence's own."""
    return model.output.logits(model.decoder(code)).argmax(-1) == batch.labels


def _extend(lists: dict[str, list[Tensor]], new: Mapping[str, Tensor]) -> None:
    for name, value in new.items():
        lists.setdefault(name, []).append(value)


def units(model: TextVAE, batch: Batch, values: Tensor) -> Tensor:
    """(B, D), or the rows of (B, T, D) that are not padding."""
    return values[batch.mask] if model.pool.at == "tokens" else values


def _with_another_code(model: TextVAE, batch: Batch, code: Tensor) -> Tensor:
    """log p(x | code of the next sentence of the batch): (B,)."""
    assert len(code) > 1, "a sentence alone in its batch has no stranger to borrow from"
    mask = batch.mask.roll(1, 0) if model.pool.at == "tokens" else None
    return model.decode(batch, code.roll(1, 0), mask)


def log_weights(model: TextVAE, batch: Batch, encoded: Encoded, samples: int) -> Tensor:
    """(K, B), in chunks that fit."""
    chunk = max(1, ROWS // len(batch.tokens))
    return torch.cat([model.log_weights(batch, encoded, count) for count in _chunks(samples, chunk)])


def _chunks(total: int, size: int) -> Iterator[int]:
    for start in range(0, total, size):
        yield min(size, total - start)
