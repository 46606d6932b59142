"""Inverse multiquadric kernels and the discrepancy of two sets. Shapes: * batch; I, J points of a set; D dimensions."""

from collections.abc import Sequence

import torch
from torch import Tensor


def squared_distances(left: Tensor, right: Tensor) -> Tensor:
    """Return |x_i - y_j|^2: (*, I, D), (*, J, D) -> (*, I, J), without forming (*, I, J, D)."""
    norms = left.square().sum(-1, keepdim=True) + right.square().sum(-1).unsqueeze(-2)
    return (norms - 2 * left @ right.mT).clamp_min(0.0)  # rounding can take equal points below 0


def inverse_multiquadric(distances: Tensor, dimensions: int, scales: Sequence[float]) -> Tensor:
    """Return sum_s C_s / (C_s + distance^2), C_s = 2 D s, of squared distances: (*) -> (*)."""
    kernel = torch.zeros_like(distances)
    for scale in scales:
        width = 2 * dimensions * scale
        kernel = kernel + width / (width + distances)
    return kernel


def maximum_mean_discrepancy(left: Tensor, right: Tensor, scales: Sequence[float]) -> Tensor:
    """Return the unbiased MMD^2 of two sets under inverse multiquadric kernels: (*, I, D), (*, J, D) -> (*).

    E k(x, x') + E k(y, y') - 2 E k(x, y), without the pairs of a point with itself, so that it may be negative
    (Gretton et al., 2012, eq. 3). A set of one point has no pairs and tells nothing: the discrepancy is then 0.
    """
    if min(left.shape[-2], right.shape[-2]) < 2:
        return (left.sum((-2, -1)) + right.sum((-2, -1))) * 0.0
    across = _kernel(left, right, scales).mean((-2, -1))
    return _mean_of_pairs(left, scales) + _mean_of_pairs(right, scales) - 2 * across


def _kernel(left: Tensor, right: Tensor, scales: Sequence[float]) -> Tensor:
    return inverse_multiquadric(squared_distances(left, right), left.shape[-1], scales)


def _mean_of_pairs(points: Tensor, scales: Sequence[float]) -> Tensor:
    """Mean kernel of two different points of a set: (*, I, D) -> (*)."""
    kernel, count = _kernel(points, points, scales), points.shape[-2]
    with_itself = kernel.diagonal(dim1=-2, dim2=-1).sum(-1)
    return (kernel.sum((-2, -1)) - with_itself) / (count * (count - 1))
