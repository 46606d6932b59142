"""Sentences with their words in another order, for the encoder alone. Shapes: B sentences, T steps."""

import torch
from torch import Tensor

from uncollapse.models.batch import Batch


def shuffled(batch: Batch, generator: torch.Generator) -> Tensor:
    """Return the tokens (B, T) with the words of each sentence in random order; EOS stays last (Long et al. 2019).

    Args:
        batch: of which EOS and padding keep their places.
        generator: of the draws, on the CPU; the global one is not touched.
    """
    keys = torch.rand(batch.tokens.shape, generator=generator).to(batch.tokens.device)
    keys = torch.where(batch.words, keys, 1.0 + torch.arange(batch.tokens.shape[1], device=keys.device))
    return batch.tokens.gather(1, keys.argsort(1))


def swapped(batch: Batch, probability: float, generator: torch.Generator) -> Tensor:
    """Return the tokens (B, T), each disjoint pair of adjacent words swapped with `probability` (Xu & Durrett 2018).

    The pairs are words 1 and 2, 3 and 4 and so on; an odd last word stays. Arguments as for `shuffled`.
    """
    _check(probability)
    tokens = batch.tokens.clone()
    left, right = tokens[:, :-1:2].clone(), tokens[:, 1::2].clone()
    both = batch.words[:, 1::2]  # a pair is two words: where the second is one, so is the first
    draws = torch.rand(right.shape, generator=generator).to(tokens.device)
    swap = both & (draws < probability)
    tokens[:, :-1:2] = torch.where(swap, right, left)
    tokens[:, 1::2] = torch.where(swap, left, right)
    return tokens


def swapped_anywhere(batch: Batch, probability: float, generator: torch.Generator) -> Tensor:
    """Return the tokens (B, T), each word in turn swapped with `probability` with one anywhere in its sentence.

    This is what the released code of Xu & Durrett (2018) sets out to do; a word may meet itself. There the two are
    read through views of what is being written, so that one word overwrites the other and is then there twice; all
    sentences of a batch share their positions, and the decoder sees the result as well. Arguments as for `shuffled`.
    """
    _check(probability)
    tokens, words = batch.tokens.clone(), batch.lengths - 1
    rows = torch.arange(len(tokens), device=tokens.device)
    swaps = (torch.rand(tokens.shape, generator=generator).to(tokens.device) < probability) & batch.words
    shares = torch.rand(tokens.shape, generator=generator, dtype=torch.float64).to(tokens.device)
    partners = (shares * words.unsqueeze(1)).long()
    for step in range(tokens.shape[1]):
        here, there = rows[swaps[:, step]], partners[swaps[:, step], step]
        tokens[here, there], tokens[here, step] = tokens[here, step], tokens[here, there]
    return tokens


def _check(probability: float) -> None:
    if not 0 <= probability <= 1:
        raise ValueError(f"A probability of swapping lies between 0 and 1; found {probability}.")
