"""Sentences with their words in another order, for the encoder alone. Shapes: B sentences, T steps."""

import torch
from torch import Tensor

from models.batch import Batch


def shuffled(batch: Batch, generator: torch.Generator) -> Tensor:
    """Return the tokens (B, T) with the words of each sentence in random order; EOS stays last (Long et al. 2019)."""
    keys = torch.rand(batch.tokens.shape, generator=generator).to(batch.tokens.device)
    keys = torch.where(batch.words, keys, 1.0 + torch.arange(batch.tokens.shape[1], device=keys.device))
    return batch.tokens.gather(1, keys.argsort(1))


def swapped(batch: Batch, probability: float, generator: torch.Generator) -> Tensor:
    """Return the tokens (B, T), each disjoint pair of adjacent words swapped with `probability` (Xu & Durrett 2018)."""
    tokens = batch.tokens.clone()
    left, right = tokens[:, :-1:2].clone(), tokens[:, 1::2].clone()
    both = batch.words[:, 1::2]  # a pair is two words: where the second is one, so is the first
    draws = torch.rand(right.shape, generator=generator).to(tokens.device)
    swap = both & (draws < probability)
    tokens[:, :-1:2] = torch.where(swap, right, left)
    tokens[:, 1::2] = torch.where(swap, left, right)
    return tokens
