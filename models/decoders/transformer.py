"""Transformer decoder. Shapes: B sentences, T steps, E embedding, C code, H features."""

import math

import torch
from torch import Tensor, nn

from uncollapse.models.configuration.bounds import Rate, Size
from uncollapse.models.layers.positions import sinusoidal


class Transformer(nn.Module):
    """Causal self-attention over the words so far, cross-attention to the code of every token.

    Args:
        hidden: H; a multiple of `heads`.
        layers, heads, feedforward, dropout: as Vaswani et al. 2017; VAT uses 4, 8, 512 and 0.1 with H = 128.
    """

    predicts = "words"

    def __init__(
        self,
        embedding: int,
        code: int,
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
        self.enter, self.remember = nn.Linear(embedding, hidden), nn.Linear(code, hidden)
        self.dropout = nn.Dropout(dropout)
        layer = nn.TransformerDecoderLayer(hidden, heads, feedforward, dropout, batch_first=True)
        self.stack = nn.TransformerDecoder(layer, layers)

    def forward(self, embedded: Tensor, mask: Tensor, code: Tensor, code_mask: Tensor | None = None) -> Tensor:
        """(B, T, E) words so far and (B, S, C) codes, or one (B, C) code, to (B, T, H).

        `code_mask` (B, S) is true where there is a code; by default the sentence's own `mask`.
        """
        h = self.enter(embedded) * math.sqrt(self.size)
        h = self.dropout(h + sinusoidal(h.shape[1], self.size, h.device))
        single = code.dim() == 2
        memory = self.remember(code.unsqueeze(1) if single else code)
        there = None if single else ~(mask if code_mask is None else code_mask)
        future = torch.ones(h.shape[1], h.shape[1], dtype=torch.bool, device=h.device).triu(1)
        return self.stack(h, memory, tgt_mask=future, memory_key_padding_mask=there)
