"""Transformer encoder. Shapes: B sentences, T steps, E embedding, H features."""

import math

from torch import Tensor, nn

from uncollapse.models.configuration.bounds import Rate, Size
from uncollapse.models.corpus_info import CorpusInfo
from uncollapse.models.layers.positions import sinusoidal


class Transformer(nn.Module):
    """Self-attention over the whole sentence (Vaswani et al. 2017), with padding masked out.

    Args:
        hidden: H; a multiple of `heads`.
        layers, heads, feedforward, dropout: as in the paper; VAT uses 4, 8, 512 and 0.1 with H = 128.
    """

    reads_tokens = False

    def __init__(
        self,
        embedding: int,
        corpus_info: CorpusInfo,
        /,
        *,
        hidden: Size = 128,
        layers: Size = 4,
        heads: Size = 8,
        feedforward: Size = 512,
        dropout: Rate = 0.1,
    ) -> None:
        super().__init__()
        self.size = hidden
        self.enter = nn.Linear(embedding, hidden)
        self.dropout = nn.Dropout(dropout)
        layer = nn.TransformerEncoderLayer(hidden, heads, feedforward, dropout, batch_first=True)
        self.stack = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)

    def forward(self, embedded: Tensor, mask: Tensor) -> Tensor:
        """(B, T, E) to (B, T, H)."""
        h = self.enter(embedded) * math.sqrt(self.size)
        h = self.dropout(h + sinusoidal(h.shape[1], self.size, h.device))
        return self.stack(h, src_key_padding_mask=~mask)
