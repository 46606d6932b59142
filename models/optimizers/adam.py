"""Adam."""

import torch
from torch import nn

from uncollapse.models.configuration.bounds import NonNegative, Positive
from uncollapse.models.optimizers._base import Optimization


class Adam(Optimization):
    """Adam at a fixed rate, with gradient clipping by global norm.

    Args:
        lr: learning rate; Prokhorov et al. 2021 use 8e-4, Li et al. 2019 1e-4.
        weight_decay: L2 penalty inside Adam; Li et al. 2019 use 1e-5.
        clip: largest global norm of the gradient.
    """

    def __init__(
        self,
        model: nn.Module,
        updates: int,
        /,
        *,
        lr: Positive = 1e-3,
        weight_decay: NonNegative = 0.0,
        clip: Positive = 5.0,
    ) -> None:
        super().__init__(
            model, torch.optim.Adam(model.parameters(), lr=lr, weight_decay=weight_decay, fused=True), clip
        )
