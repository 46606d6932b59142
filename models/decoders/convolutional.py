"""Convolutional decoder. Shapes: B sentences, T steps, E embedding, C code, H channels."""

from typing import Literal

from torch import Tensor, cat, nn
from torch.nn import functional

from uncollapse.models.configuration.bounds import Rate, Size

WIDTH = 3


class Convolutional(nn.Module):
    """Dilated causal convolutions of width 3 over the words so far, the code beside every one (Yang et al. 2017).

    Args:
        hidden: channels of every layer; Li et al. 2019 cite a code with 400 to 500.
        field: words that a prediction can see, 1 + 2 (1 + 2 + 4 + ...): dilations double from layer to layer, so 3 is
            one layer and 255 are seven. The smaller, the more must come from the code: the hyperparameter of collapse.
        dropout: on the input and between layers.
        residual: layers add to what they are given.
    """

    predicts = "words"

    def __init__(
        self,
        embedding: int,
        code: int,
        /,
        *,
        hidden: Size = 128,
        field: Literal[3, 7, 15, 31, 63, 127, 255] = 15,
        dropout: Rate = 0.0,
        residual: bool = False,
    ) -> None:
        super().__init__()
        self.size, self.residual = hidden, residual
        self.enter = nn.Linear(embedding + code, hidden)
        self.dropout = nn.Dropout(dropout)
        self.dilations = [2**i for i in range(((field + 1) // 2).bit_length() - 1)]
        self.stack = nn.ModuleList(nn.Conv1d(hidden, hidden, WIDTH, dilation=dilation) for dilation in self.dilations)

    def forward(self, embedded: Tensor, mask: Tensor, code: Tensor) -> Tensor:
        """(B, T, E) words so far and (B, C) code to (B, T, H)."""
        beside = code.unsqueeze(1).expand(-1, embedded.shape[1], -1)
        h = self.dropout(self.enter(cat([embedded, beside], -1))).transpose(1, 2)
        for layer, dilation in zip(self.stack, self.dilations, strict=True):
            seen = functional.pad(h, ((WIDTH - 1) * dilation, 0))  # on the left alone: nothing that follows
            out = self.dropout(functional.relu(layer(seen)))
            h = h + out if self.residual else out
        return h.transpose(1, 2)
