"""A classifier in the decoder's place. Shapes: B sentences, C features, H state."""

from torch import Tensor, nn
from torch.nn import functional

from uncollapse.models.configuration.bounds import Count, Rate, Size
from uncollapse.models.layers.dense import Dense


class Classifier(nn.Module):
    """Features to the state from which the sentence's class is predicted, for the supervised baselines.

    Args:
        hidden: units of a layer; 32 in Prokhorov et al. 2021.
        layers: dense layers with leaky ReLU; 2 in Prokhorov et al. 2021, 0 is a linear classifier.
        dropout: on the state.
    """

    predicts = "label"

    def __init__(
        self, embedding: int, code: int, /, *, hidden: Size = 32, layers: Count = 2, dropout: Rate = 0.0
    ) -> None:
        super().__init__()
        self.stack = Dense(code, hidden, layers, functional.leaky_relu, dropout)
        self.size = self.stack.size

    def forward(self, code: Tensor) -> Tensor:
        """(B, C) to (B, H)."""
        return self.stack(code)
