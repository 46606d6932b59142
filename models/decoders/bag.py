"""Bag-of-words decoder. Shapes: B sentences, C code, H state."""

from torch import Tensor, nn

from uncollapse.models.configuration.bounds import Count, Rate, Size
from uncollapse.models.layers.dense import Dense


class Bag(nn.Module):
    """A code to the state from which every word of the bag is predicted, whatever its place (NVDM; Miao et al. 2016).

    Args:
        hidden: units of a hidden layer.
        layers: hidden layers, tanh after each; 0 predicts from the code itself as Miao et al. do, 1 as the code of
            Xu & Durrett 2018.
        dropout: on the state.
    """

    predicts = "bag"

    def __init__(
        self, embedding: int, code: int, /, *, hidden: Size = 400, layers: Count = 0, dropout: Rate = 0.0
    ) -> None:
        super().__init__()
        self.stack = Dense(code, hidden, layers, Tensor.tanh, dropout)
        self.size = self.stack.size

    def forward(self, code: Tensor) -> Tensor:
        """(B, C) to (B, H)."""
        return self.stack(code)
