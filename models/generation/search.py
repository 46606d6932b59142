"""The likeliest sentence, by greedy and by beam search. Shapes: B codes, W beams, T steps, V vocabulary."""

import math

import torch
from torch import Tensor

from uncollapse.models.batch import EOS, PAD
from uncollapse.models.generation.codes import Codes
from uncollapse.models.generation.next_word import log_next
from uncollapse.models.text_vae import TextVAE


def greedy(model: TextVAE, codes: Codes, longest: int) -> Tensor:
    """The likeliest next word again and again.

    Args:
        model: in eval mode; its decoder predicts words.
        codes: B of them.
        longest: words of a sentence at most.

    Returns:
        (B, T) words, EOS, padding; a sentence cut off after `longest` words has no EOS.
    """
    said = no_words(len(codes), codes.values.device)
    while not finished(said, longest):
        said = said_next(said, log_next(model, codes, said).argmax(1))
    return cut(said, longest)


def beam(model: TextVAE, codes: Codes, longest: int, width: int = 5, normalise: float = 0.0) -> Tensor:
    """The best of the sentences that a beam finds: max over x of log p(x | code) / |x|^normalise, |x| counting EOS.

    A sentence that has ended keeps its place in the beam against those that go on. One that has ended is preferred to
    any that is cut off.

    Args:
        model, codes, longest: as for `greedy`, which a beam of width 1 equals.
        width: W, prefixes kept at each step.
        normalise: 0 for the log probability itself, which favours short sentences; 1 for its average over words.

    Returns:
        As `greedy`.
    """
    assert width >= 1, width
    wide = codes.repeated(width)
    said = no_words(len(wide), codes.values.device).view(len(codes), width, 0)
    score = torch.full(said.shape[:2], -math.inf, device=codes.values.device)
    score[:, 0] = 0.0  # at the start all beams are one empty prefix
    while not finished(said, longest):
        following = log_next(model, wide, said.flatten(0, 1)).view(*said.shape[:2], -1)
        said, score = _widened(said, score, _no_more(said, following), normalise)
    best = _best(said, _rank(score, _length(said), normalise))
    return cut(said[torch.arange(len(said), device=said.device), best], longest)


def no_words(count: int, device: torch.device) -> Tensor:
    """(B, 0), what has been said at the start."""
    return torch.empty(count, 0, dtype=torch.long, device=device)


def said_next(said: Tensor, words: Tensor) -> Tensor:
    """(B, T) with one more word (B,) each, or padding behind EOS: (B, T + 1)."""
    return torch.cat([said, words.masked_fill(_ended(said), PAD).unsqueeze(1)], 1)


def finished(said: Tensor, longest: int) -> bool:
    """Whether all sentences (*, T) have ended, or each has had its chance of an EOS after `longest` words."""
    return said.shape[-1] > longest or (said.shape[-1] > 0 and bool(_ended(said).all()))


def cut(said: Tensor, longest: int) -> Tensor:
    """(B, T) with what stands after `longest` words taken off where it is no EOS."""
    beyond = said[:, longest:]
    return torch.cat([said[:, :longest], beyond.masked_fill(beyond != EOS, PAD)], 1)


def _ended(said: Tensor) -> Tensor:
    return (said == EOS).any(-1)


def _length(said: Tensor) -> Tensor:
    """(*,) words and EOS of sentences (*, T)."""
    return (said != PAD).sum(-1)


def _no_more(said: Tensor, following: Tensor) -> Tensor:
    """log p (B, W, V) of the next word, where a sentence that has ended goes on with padding for certain."""
    certain = torch.full_like(following, -math.inf)
    certain[..., PAD] = 0.0
    return torch.where(_ended(said).unsqueeze(-1), certain, following)


def _rank(score: Tensor, length: Tensor, normalise: float) -> Tensor:
    return score / length**normalise


def _widened(said: Tensor, score: Tensor, following: Tensor, normalise: float) -> tuple[Tensor, Tensor]:
    """The W best continuations of all beams of a sentence, (B, W, T + 1), and their log p, (B, W)."""
    total = score.unsqueeze(-1) + following
    length = _length(said) + (~_ended(said)).long()
    kept = _rank(total, length.unsqueeze(-1), normalise).flatten(1).topk(said.shape[1]).indices
    parent, word = kept // following.shape[-1], kept % following.shape[-1]
    parents = said.gather(1, parent.unsqueeze(-1).expand(-1, -1, said.shape[-1]))
    return torch.cat([parents, word.unsqueeze(-1)], -1), total.flatten(1).gather(1, kept)


def _best(said: Tensor, rank: Tensor) -> Tensor:
    """(B,) the beam of highest rank, among those that have ended where one has."""
    among_ended = rank.masked_fill(~_ended(said), -math.inf)
    none_ended = among_ended.amax(1, keepdim=True) == -math.inf
    return torch.where(none_ended, rank, among_ended).argmax(1)
