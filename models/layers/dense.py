"""A stack of dense layers. Shapes: * batch; I inputs, H units."""

from collections.abc import Callable
from itertools import pairwise

from torch import Tensor, nn


class Dense(nn.Module):
    """Dense layers of `hidden` units, `activation` after each, then dropout; without layers, dropout alone."""

    def __init__(
        self, inputs: int, hidden: int, layers: int, activation: Callable[[Tensor], Tensor], dropout: float
    ) -> None:
        super().__init__()
        sizes = [inputs, *[hidden] * layers]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        self.activation, self.dropout = activation, nn.Dropout(dropout)
        self.size = sizes[-1]

    def forward(self, h: Tensor) -> Tensor:
        """(*, I) to (*, H)."""
        for layer in self.layers:
            h = self.activation(layer(h))
        return self.dropout(h)
