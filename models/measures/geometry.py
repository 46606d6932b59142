"""Geometry of features and of token codes. Shapes: N sentences; H features; M tokens; C components; G groups."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize

from uncollapse.models.measures.checks import check_rows


class Isotropy(NamedTuple):
    """Mean cosines between token codes, and how many word types `self_similarity` averages over."""

    random_pairs: float
    self_similarity: float
    intra_sentence: float
    types: int


def pairwise_cosine(features: Tensor) -> float:
    """Return the mean of cos(h_i, h_j) over all pairs i < j of features (N, H), in O(N): (|sum u|^2 - N) / (N (N - 1)).

    A zero vector has cosine 0 with every other. ValueError for fewer than two rows or values that are not finite.
    """
    units = normalize(check_rows(features, "features"), dim=1)
    count = units.shape[0]
    pairs = units.sum(0).square().sum() - units.square().sum()
    return pairs.item() / (count * (count - 1))


def isotropy(codes: Tensor, sentences: Tensor, types: Tensor) -> Isotropy:
    """Return the three similarities of Ethayarajh (2019) that VAT reports, none adjusted for the others.

    Args:
        codes: (M, C) one for each word; padding and special words are left out by the caller.
        sentences: (M,) number of the sentence that a word stands in.
        types: (M,) id of the word.
    """
    similarity, count = self_similarity(codes, sentences, types)
    across = random_pair_cosine(codes, sentences)
    return Isotropy(across, similarity, intra_sentence_similarity(codes, sentences), count)


def random_pair_cosine(codes: Tensor, sentences: Tensor) -> float:
    """Return the mean cosine of two words (M, C) of different sentences (M,).

    This is the mean over all such pairs, which a sample of pairs estimates: O(M) by the sums of unit vectors.
    ValueError where all words stand in one sentence.
    """
    units = normalize(check_rows(codes, "token codes"), dim=1)
    everything = torch.zeros_like(sentences)
    sums, pairs = _across_sentences(units, sentences, everything)
    if pairs[0] == 0:
        raise ValueError("The cosine of random words needs words of two sentences; all are of one.")
    return (sums[0] / pairs[0]).item()


def self_similarity(codes: Tensor, sentences: Tensor, types: Tensor) -> tuple[float, int]:
    """Return the mean cosine of the same word in different sentences, averaged over types, and how many types.

    All pairs of occurrences count, by sums of unit vectors, so frequent words need no cap. A type that never occurs in
    two sentences has no similarity and is left out. ValueError where every type is such.
    """
    units = normalize(check_rows(codes, "token codes"), dim=1)
    sums, pairs = _across_sentences(units, sentences, types)
    repeated = pairs > 0
    if not repeated.any():
        raise ValueError("Self-similarity needs a word that occurs in two sentences; there is none.")
    return (sums[repeated] / pairs[repeated]).mean().item(), int(repeated.sum())


def intra_sentence_similarity(codes: Tensor, sentences: Tensor) -> float:
    """Return the cosine of a word's code (M, C) with the mean code of its sentence: mean of words, then of sentences.

    A sentence of one word has similarity 1.
    """
    codes = check_rows(codes, "token codes")
    group, sizes = _groups(sentences)
    means = _sums(codes, group, len(sizes)) / sizes.unsqueeze(1)
    cosines = (normalize(codes, dim=1) * normalize(means, dim=1)[group]).sum(1)
    return (_sums(cosines, group, len(sizes)) / sizes).mean().item()


def _across_sentences(units: Tensor, sentences: Tensor, owners: Tensor) -> tuple[Tensor, Tensor]:
    """Sum of cosines over ordered pairs of different sentences, and their number, by owner in order of id: (G,)."""
    owner, _ = _groups(owners)
    sentence, _ = _groups(sentences)
    cell, sizes = _groups(owner * (sentence.max() + 1) + sentence)
    of_cell = torch.zeros_like(sizes, dtype=torch.int64).index_copy_(0, cell, owner)
    inside = _sums(units, cell, len(sizes))
    count = int(owner.max()) + 1
    sums = _sums(inside, of_cell, count).square().sum(1) - _sums(inside.square().sum(1), of_cell, count)
    return sums, _sums(sizes, of_cell, count).square() - _sums(sizes.square(), of_cell, count)


def _groups(ids: Tensor) -> tuple[Tensor, Tensor]:
    """The group of each row (M,), groups counted from 0 in order of id, and the sizes of groups (G,) in float64."""
    _, group, sizes = ids.long().unique(return_inverse=True, return_counts=True)
    return group, sizes.double()


def _sums(values: Tensor, group: Tensor, count: int) -> Tensor:
    """Sums of rows (M, *) by group: (G, *)."""
    return values.new_zeros(count, *values.shape[1:]).index_add_(0, group, values)
