"""Geometry of encoder features. Shapes: N sentences; H features."""

from torch import Tensor
from torch.nn.functional import normalize

from models.measures.checks import check_rows


def pairwise_cosine(features: Tensor) -> float:
    """Return the mean of cos(h_i, h_j) over all pairs i < j of features (N, H), in O(N): (|sum u|^2 - N) / (N (N - 1)).

    A zero vector has cosine 0 with every other. ValueError for fewer than two rows or values that are not finite.
    """
    units = normalize(check_rows(features, "features"), dim=1)
    count = units.shape[0]
    pairs = units.sum(0).square().sum() - units.square().sum()
    return pairs.item() / (count * (count - 1))
