"""Average Hoyer, the sparsity of codes. Shapes: N codes; C components."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from uncollapse.models.measures.checks import check_rows

_SMALLEST_STD = 1e-6


class HoyerResult(NamedTuple):
    """Average Hoyer in [0, 1], the share of dimensions too constant to be scaled, and the share of all-zero rows."""

    value: float
    dims_dropped: float
    zero_rows: float


def average_hoyer(codes: Tensor, centred: bool = False) -> HoyerResult:
    """Return the mean over codes (N, C) of (sqrt(C) - |z|_1 / |z|_2) / (sqrt(C) - 1): 1 for one non-zero component.

    Every dimension is first divided by its standard deviation over the N codes, and with `centred` loses its mean (a
    factor common to all deviations, N or N - 1, cancels). Dimensions with a deviation under 1e-6 are dropped and C
    counts the others. A row of zeros counts as 1, as does every row where at most one dimension is left: read `value`
    with both shares.
    ValueError for fewer than two codes or values that are not finite.
    """
    codes = check_rows(codes, "codes")
    std = codes.std(0, correction=0)
    kept = std >= _SMALLEST_STD
    scaled = ((codes - codes.mean(0)) if centred else codes)[:, kept] / std[kept]
    zero = (scaled == 0).all(1)
    hoyer = torch.where(zero, 1.0, _hoyer(scaled))
    return HoyerResult(hoyer.mean().item(), 1 - kept.double().mean().item(), zero.double().mean().item())


def _hoyer(rows: Tensor) -> Tensor:
    dimensions = rows.shape[1]
    if dimensions < 2:
        return rows.new_ones(rows.shape[0])
    root = math.sqrt(dimensions)
    norm = rows.norm(dim=1)
    return (root - rows.abs().sum(1) / torch.where(norm > 0, norm, 1.0)) / (root - 1)
