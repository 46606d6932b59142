"""Recurrent encoder. Shapes: B sentences, T steps, E embedding, H features."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from uncollapse.models.configuration.bounds import Rate, Size
from uncollapse.models.corpus_info import CorpusInfo


class Recurrent(nn.Module):
    """LSTM or GRU over the words.

    Args:
        cell: lstm or gru.
        hidden: units of a layer and direction.
        layers: stacked layers.
        bidirectional: a second pass from the end of each sentence.
        dropout: on the features, and between layers.
        features: `outputs` of the top layer, H = hidden; or `states`, the hidden and cell states of every layer side
            by side (Li et al. 2019; of the last step, Xu & Durrett 2018), H = 2 * layers * hidden for an LSTM.
    """

    reads_tokens = False

    def __init__(
        self,
        embedding: int,
        corpus_info: CorpusInfo,
        /,
        *,
        cell: Literal["lstm", "gru"] = "lstm",
        hidden: Size = 128,
        layers: Size = 1,
        bidirectional: bool = False,
        dropout: Rate = 0.0,
        features: Literal["outputs", "states"] = "outputs",
    ) -> None:
        super().__init__()
        between = dropout if layers > 1 else 0.0
        kind = nn.LSTM if cell == "lstm" else nn.GRU
        self.rnn = kind(embedding, hidden, layers, batch_first=True, dropout=between, bidirectional=bidirectional)
        self.dropout = nn.Dropout(dropout)
        self.features = features
        states = layers * (2 if cell == "lstm" else 1)
        self.size = hidden * (states if features == "states" else 1) * (2 if bidirectional else 1)

    def forward(self, embedded: Tensor, mask: Tensor) -> Tensor:
        """(B, T, E) to (B, T, H)."""
        run = self._states if self.features == "states" else self._outputs
        return self.dropout(run(embedded, mask))

    def ends(self, embedded: Tensor, lengths: Tensor) -> Tensor | None:
        """The features at the last step of each sentence, of `lengths` (B,): (B, T, E) to (B, H).

        None where only `forward` gives the same: outputs are there at every step for nothing, and dropout draws at
        every step.
        """
        if self.features == "outputs" or self.dropout.p > 0.0:
            return None
        order = lengths.argsort(descending=True, stable=True)
        embedded, state, start, found = embedded[order], None, 0, []
        stops, counts = lengths.unique(return_counts=True)
        for stop, ending in zip(stops.tolist(), counts.tolist(), strict=True):
            state = self.rnn(embedded[:, start:stop], state)[1]
            features, going_on = _beside(state), len(embedded) - ending
            found.append(features[going_on:])
            embedded, state, start = embedded[:going_on], _first(state, going_on), stop
        return torch.cat(found[::-1])[order.argsort()]

    def _outputs(self, embedded: Tensor, mask: Tensor) -> Tensor:
        if not self.rnn.bidirectional:  # padding stands after the sentence and cannot reach back
            return self.rnn(embedded)[0]
        packed = pack_padded_sequence(embedded, mask.sum(1).cpu(), batch_first=True, enforce_sorted=False)
        return pad_packed_sequence(self.rnn(packed)[0], batch_first=True, total_length=mask.shape[1])[0]

    def _states(self, embedded: Tensor, mask: Tensor) -> Tensor:
        state, seen = None, []
        for step in embedded.split(1, dim=1):
            state = self.rnn(step, state)[1]
            seen.append(_beside(state))
        return torch.stack(seen, dim=1)


def _first(state: Tensor | tuple[Tensor, Tensor], rows: int) -> Tensor | tuple[Tensor, ...]:
    """(L, B, H) states, or a pair of them, of the first `rows` sentences."""
    if isinstance(state, tuple):
        return tuple(part[:, :rows].contiguous() for part in state)
    return state[:, :rows].contiguous()


def _beside(state: Tensor | tuple[Tensor, Tensor]) -> Tensor:
    """(L, B, H) states, or a pair of them, to (B, L * H), or twice that."""
    parts = state if isinstance(state, tuple) else (state,)
    return torch.cat([layer for part in parts for layer in part.unbind(0)], dim=-1)
