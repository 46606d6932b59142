"""Bag-of-words encoder. Shapes: B sentences, T steps, E embedding, H features."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from uncollapse.models.configuration.bounds import Count, Rate, Size
from uncollapse.models.corpus_info import CorpusInfo
from uncollapse.models.layers.dense import Dense


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
        corpus_info: CorpusInfo,
        /,
        *,
        hidden: Size = 500,
        layers: Count = 1,
        dropout: Rate = 0.0,
    ) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(embedding))
        self.stack = Dense(embedding, hidden, layers, Tensor.tanh, dropout)
        self.size = self.stack.size

    def forward(self, embedded: Tensor, mask: Tensor) -> Tensor:
        """(B, T, E) to (B, T, H)."""
        words = functional.pad(mask[:, 1:], (0, 1))  # EOS is the last true step
        h = (embedded.masked_fill(~words.unsqueeze(-1), 0.0).sum(1) + self.bias).tanh()
        return self.stack(h).unsqueeze(1).expand(-1, mask.shape[1], -1)
