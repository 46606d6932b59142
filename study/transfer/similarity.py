"""How well cosines rank pairs, with intervals. Shapes: N pairs of a subset; R resamples."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from uncollapse.analysis.statistics.intervals import row_spearman
from uncollapse.models.measures.correlation import similarity

RESAMPLES, LEVEL = 500, 0.95


def judged(cosine: Mapping[str, Tensor], gold: Mapping[str, Tensor]) -> dict[str, float]:
    """100 * Spearman's correlation, joined over subsets in three ways, each with a percentile bootstrap over pairs.

    Args:
        cosine, gold: (N,) of each subset by name.

    Raises:
        uncollapse.models.measures.correlation.NoVariation: all cosines, or all judgements, are equal.
    """
    found = similarity(cosine, gold)
    measures = {"all": found.all, "mean": found.mean, "wmean": found.wmean}
    for name, (low, high) in _intervals(cosine, gold).items():
        measures |= {f"{name}_low": low, f"{name}_high": high}
    if len(found.subsets) > 1:
        measures |= {f"subset/{name}": value for name, value in found.subsets.items()}
    return measures


def _intervals(cosine: Mapping[str, Tensor], gold: Mapping[str, Tensor]) -> dict[str, tuple[float, float]]:
    """Of pairs drawn anew within each subset, the same pairs for all three."""
    random = np.random.default_rng(0)
    drawn = {}
    for name, values in cosine.items():
        picks = random.integers(len(values), size=(RESAMPLES, len(values)))
        drawn[name] = values.numpy()[picks], gold[name].numpy()[picks]
    each = 100 * np.stack([row_spearman(*pair) for pair in drawn.values()])
    weights = [len(values) for values in cosine.values()]
    joined = 100 * row_spearman(*(np.concatenate(side, axis=1) for side in zip(*drawn.values(), strict=True)))
    found = {"all": joined, "mean": each.mean(0), "wmean": np.average(each, axis=0, weights=weights)}
    tail = (1 - LEVEL) / 2  # a resample of equal values has no correlation, and is left out
    return {name: tuple(np.nanquantile(values, [tail, 1 - tail]).tolist()) for name, values in found.items()}


def by_subset(values: Tensor, rows: Mapping[str, np.ndarray]) -> dict[str, Tensor]:
    """Values (N,) of all pairs as those of each subset, in float64."""
    return {name: values[torch.from_numpy(own)].double() for name, own in rows.items()}
