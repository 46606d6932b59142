"""Bag-of-words encoder. Shapes: B sentences, T steps, E embedding, H features."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.bounds import Count, Rate, Size
from models.lexicon import Lexicon


class Bag(nn.Module):
    """An MLP over word counts, whose order does not matter (NVDM; Miao et al. 2016).

    The sum of the embeddings of a sentence's words is W x for its counts x, so the embedding table is the first layer
    and E its width; EOS is not counted. Every step is given the same features, so that any pool passes them on.

    Args:
        hidden: units of each further layer.
        layers: further layers, tanh after each; 0 leaves tanh(W x + b).
        dropout: on the features.
    """

    reads_tokens = False

    def __init__(
        self,
        embedding: int,
        lexicon: Lexicon,
        /,
        *,
        hidden: Size = 500,
        layers: Count = 1,
        dropout: Rate = 0.0,
    ) -> None:
        super().__init__()
        sizes = [embedding, *[hidden] * layers]
        self.bias = nn.Parameter(torch.zeros(embedding))
        self.stack = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        self.dropout = nn.Dropout(dropout)
        self.size = sizes[-1]

    def forward(self, embedded: Tensor, mask: Tensor) -> Tensor:
        """(B, T, E) to (B, T, H)."""
        words = functional.pad(mask[:, 1:], (0, 1))  # EOS is the last true step
        h = (embedded.masked_fill(~words.unsqueeze(-1), 0.0).sum(1) + self.bias).tanh()
        for layer in self.stack:
            h = layer(h).tanh()
        return self.dropout(h).unsqueeze(1).expand(-1, mask.shape[1], -1)
