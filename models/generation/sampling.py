"""Sentences drawn word by word. Shapes: B codes, T steps, V vocabulary."""

import math

import torch
from torch import Tensor

from uncollapse.models.generation.codes import Codes
from uncollapse.models.generation.next_word import log_next
from uncollapse.models.generation.search import cut, finished, no_words, said_next
from uncollapse.models.text_vae import TextVAE


def sample(
    model: TextVAE,
    codes: Codes,
    longest: int,
    generator: torch.Generator,
    temperature: float = 1.0,
    top_k: int | None = None,
) -> Tensor:
    """Draw each word from p(w | words so far, code)^(1 / temperature), normalised again.

    Args:
        model, codes, longest: as for `models.generation.search.greedy`.
        generator: of the draws, on the CPU; the global one is not touched.
        temperature: above 0; 1 draws from the model, towards 0 it is greedy.
        top_k: draw among so many likeliest words only; None for all.

    Returns:
        (B, T) words, EOS, padding; a sentence cut off after `longest` words has no EOS.
    """
    assert temperature > 0, temperature
    said = no_words(len(codes), codes.values.device)
    while not finished(said, longest):
        scores = _likeliest(log_next(model, codes, said) / temperature, top_k)
        words = torch.multinomial(scores.double().softmax(1).cpu(), 1, generator=generator).squeeze(1)
        said = said_next(said, words.to(said.device))
    return cut(said, longest)


def _likeliest(scores: Tensor, count: int | None) -> Tensor:
    """Scores (B, V) with all but the `count` highest of each row at -inf."""
    if count is None or count >= scores.shape[1]:
        return scores
    kept = scores.topk(count, 1)
    return torch.full_like(scores, -math.inf).scatter(1, kept.indices, kept.values)
