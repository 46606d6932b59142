"""The one product behind every log density. Shapes: * broadcast batch; C components."""

import torch
from torch import Tensor


def dot(left: Tensor, right: Tensor) -> Tensor:
    """Return sum_c left_c right_c in float64, batch shapes broadcast: (*l, C), (*r, C) -> (*).

    Pairs, (N, 1, C) with (1, M, C), cost one matrix product and never hold (N, M, C).
    """
    # Expanding squares, as the densities do, cancels: float32 would lose narrow posteriors.
    return torch.einsum("...c,...c->...", left.double(), right.double())
