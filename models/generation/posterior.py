"""Codes of sentences and from the prior. Shapes: B sentences, S tokens, H features, C code, K draws, N codes."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import normalize

from uncollapse.models.batch import Batch
from uncollapse.models.generation.codes import Codes, batch_rows
from uncollapse.models.text_vae import TextVAE

PROBES = 16  # prior draws that show whether all codes have length one


def at_mean(model: TextVAE, batch: Batch) -> Codes:
    """The posterior mean of every sentence (Li et al. 2019 and VAT decode at it), B codes.

    On the sphere it is the mean direction: the mean itself lies inside, where the decoder was never trained.
    """
    mean = model.latent.mean(model.encode(batch).pooled)
    return _of(model, batch, normalize(mean, dim=-1) if on_sphere(model) else mean)


def drawn(model: TextVAE, batch: Batch, draws: int) -> Codes:
    """K draws from the posterior of every sentence, those of one sentence in a row: B * K codes."""
    pooled = model.encode(batch).pooled.repeat_interleave(draws, 0)
    code = model.code(model.latent(pooled), pooled)
    return _of(model, repeated(batch, draws), code)


def redrawn(model: TextVAE, batch: Batch, position: int, draws: int) -> Codes:
    """The mean codes of one sentence with that of one token drawn from its posterior (VAT, Table 2): K codes.

    Args:
        model: with a code for every token.
        batch: one sentence.
        position: of the token, from 0.
        draws: K.
    """
    kept, other = at_mean(model, repeated(batch, draws)), drawn(model, batch, draws)
    values = kept.values.clone()
    values[:, position] = other.values[:, position]
    return _of(model, repeated(batch, draws), values)


def from_prior(model: TextVAE, count: int, lengths: Tensor | None = None, labels: Tensor | None = None) -> Codes:
    """N codes from the prior.

    Args:
        model: whose decoder is shown no bag.
        count: N.
        lengths: (N,) tokens of each sentence, words and EOS, where every token has a code: no prior says how many.
        labels: (N,) classes for a decoder that is told them.
    """
    if model.pool.at != "tokens":
        return Codes(_prior_code(model, (count,)), labels=labels)
    assert lengths is not None, "with a code for every token the number of tokens is given"
    there = torch.arange(int(lengths.max()), device=lengths.device) < lengths.unsqueeze(1)
    return Codes(_prior_code(model, there.shape), there, labels)


def on_sphere(model: TextVAE) -> bool:
    """Whether every code has length one, seen on a few draws from the prior."""
    if not model.latent.variables:
        return False
    lengths = _prior_code(model, (PROBES,)).norm(dim=-1)
    return bool((lengths - 1).abs().max() < 1e-4)


def repeated(batch: Batch, times: int) -> Batch:
    """Each sentence so many times in a row."""
    return batch_rows(batch, torch.arange(len(batch.tokens), device=batch.tokens.device).repeat_interleave(times))


def _prior_code(model: TextVAE, shape: Sequence[int]) -> Tensor:
    like = model.output.logits.weight.new_zeros(*shape, model.encoder.size)
    return model.latent.code(model.latent.prior_sample(shape), like)


def _of(model: TextVAE, batch: Batch, values: Tensor) -> Codes:
    """Codes of the sentences of a batch, with what the decoder is told of these beside."""
    mask = batch.mask if model.pool.at == "tokens" else None
    return Codes(values, mask, batch.labels, batch if model.inputs.shows_bag else None)
