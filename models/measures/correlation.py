"""Correlations, and semantic textual similarity by cosine. Shapes: N pairs of sentences; C components."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize

from uncollapse.models.measures.checks import check_finite


class NoVariation(ValueError):
    """One side of a correlation is constant: the correlation is not defined."""


class Similarity(NamedTuple):
    """100 * Spearman's rank correlation of cosine and gold, by the three ways of joining subsets.

    mean: of the subsets; wmean: weighted by their pairs; all: of the pairs of all subsets in one list (as SBERT and
    SimCSE report); subsets: of each by name.
    """

    mean: float
    wmean: float
    all: float
    subsets: Mapping[str, float]


def cosines(first: Tensor, second: Tensor) -> Tensor:
    """Return cos(u_i, v_i) for sentence vectors (N, C): (N,) in float64, 0 where one of them is zero."""
    if first.shape != second.shape or first.dim() != 2:
        raise ValueError(
            f"Cosines need two matrices of one shape; they have {tuple(first.shape)} and {tuple(second.shape)}."
        )
    u, v = (normalize(check_finite(vectors, "sentence vectors"), dim=1) for vectors in (first, second))
    return (u * v).sum(1)


def similarity(cosine: Mapping[str, Tensor], gold: Mapping[str, Tensor]) -> Similarity:
    """Return how cosines (N,) follow the gold similarities (N,) of subsets by name.

    SentEval reports mean and wmean, SBERT and SimCSE all; the three differ by points, as scales of cosine and of gold
    differ between subsets. ValueError where the names differ, and as `spearman`; SentEval turns a correlation that is
    not defined, as of a dead code, into 0.
    """
    if not gold or cosine.keys() != gold.keys():
        raise ValueError(f"Cosine and gold need the same subsets; they have {sorted(cosine)} and {sorted(gold)}.")
    found = {name: 100 * spearman(cosine[name], gold[name]) for name in gold}
    pairs = {name: len(gold[name]) for name in gold}
    everything = 100 * spearman(torch.cat([cosine[name] for name in gold]), torch.cat([gold[name] for name in gold]))
    weighted = sum(found[name] * pairs[name] for name in gold) / sum(pairs.values())
    return Similarity(sum(found.values()) / len(found), weighted, everything, found)


def spearman(first: Tensor, second: Tensor) -> float:
    """Return Pearson's correlation of the ranks of two (N,), equal values sharing their mean rank; errors as there."""
    return pearson(_ranks(first), _ranks(second))


def pearson(first: Tensor, second: Tensor) -> float:
    """Return the product-moment correlation of two (N,), -1 to 1.

    ValueError for fewer than two pairs or values that are not finite; `NoVariation` where one side is constant.
    """
    if first.dim() != 1 or first.shape != second.shape or len(first) < 2:
        raise ValueError(
            f"A correlation needs two lists of the same two numbers or more; "
            f"it was given {tuple(first.shape)} and {tuple(second.shape)}."
        )
    x, y = check_finite(first, "values to correlate"), check_finite(second, "values to correlate")
    if (x == x[0]).all() or (y == y[0]).all():
        raise NoVariation("A correlation needs values that vary; all of one side are equal.")
    x, y = (values / values.abs().max() for values in (x, y))  # squares of small or large numbers leave a float's range
    x, y = x - x.mean(), y - y.mean()
    return float(((x / x.norm()) * (y / y.norm())).sum().clamp(-1, 1))


def _ranks(values: Tensor) -> Tensor:
    """Ranks from 1 in float64, equal values sharing the mean of theirs: (N,)."""
    _, group, sizes = check_finite(values, "values to correlate").unique(return_inverse=True, return_counts=True)
    return (sizes.cumsum(0) - (sizes - 1) / 2).double()[group]
