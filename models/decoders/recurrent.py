"""Recurrent decoder. Shapes: B sentences, T steps, E embedding, C code, H hidden."""

from typing import Literal

import torch
from torch import Tensor, nn

from uncollapse.models.configuration.bounds import Rate, Size


class Recurrent(nn.Module):
    """LSTM or GRU that predicts the next word from the words so far and the code.

    Args:
        cell: lstm or gru.
        hidden: units of a layer.
        layers: stacked layers.
        dropout: on the outputs before the vocabulary, and between layers.
        inject: where the code enters: `state` sets the first hidden (and cell) state of every layer, each through a
            linear map of its own; `input` stands beside every input word; `output` stands beside every output, before
            the vocabulary (a skip connection). Any subset; collapse depends on it strongly.
    """

    predicts = "words"

    def __init__(
        self,
        embedding: int,
        code: int,
        /,
        *,
        cell: Literal["lstm", "gru"] = "lstm",
        hidden: Size = 128,
        layers: Size = 1,
        dropout: Rate = 0.0,
        inject: tuple[Literal["state", "input", "output"], ...] = ("state", "input"),
    ) -> None:
        super().__init__()
        self.inject, self.layers, self.hidden = frozenset(inject), layers, hidden
        kind = nn.LSTM if cell == "lstm" else nn.GRU
        entering = embedding + (code if "input" in inject else 0)
        self.rnn = kind(entering, hidden, layers, batch_first=True, dropout=dropout if layers > 1 else 0.0)
        self.states = 2 if cell == "lstm" else 1
        self.to_state = nn.Linear(code, self.states * layers * hidden) if "state" in inject else None
        self.dropout = nn.Dropout(dropout)
        self.size = hidden + (code if "output" in inject else 0)

    def forward(self, embedded: Tensor, mask: Tensor, code: Tensor) -> Tensor:
        """(B, T, E) words so far and (B, C) code to (B, T, H), or (B, T, H + C) with `output` injection."""
        beside = code.unsqueeze(1).expand(-1, embedded.shape[1], -1)
        entering = torch.cat([embedded, beside], -1) if "input" in self.inject else embedded
        outputs = self.dropout(self.rnn(entering, self._first_state(code))[0])
        return torch.cat([outputs, beside], -1) if "output" in self.inject else outputs

    def _first_state(self, code: Tensor) -> Tensor | tuple[Tensor, ...] | None:
        if self.to_state is None:
            return None
        states = self.to_state(code).view(len(code), self.states, self.layers, self.hidden)
        parts = tuple(part.contiguous() for part in states.permute(1, 2, 0, 3).unbind(0))
        return parts if len(parts) == 2 else parts[0]
