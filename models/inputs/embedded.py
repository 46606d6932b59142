"""Word embeddings. Shapes: B sentences, T steps, V vocabulary, E embedding."""

import torch
from torch import Tensor, nn

from models.batch import BOS, PAD, UNK, Batch
from models.bounds import Rate, Share, Size


class Embedded(nn.Module):
    """One embedding table, shared by encoder and decoder (as Prokhorov et al. 2021 do).

    Args:
        size: E.
        words: the decoder sees the words so far; without them it is inputless (Xu & Durrett 2018), in training and
            at test alike: every input but BOS is UNK.
        word_dropout: probability that an input word of the decoder is UNK, in training only (Bowman et al. 2016).
        dropout: on the embeddings that encoder and decoder read.
    """

    def __init__(
        self,
        vocabulary: int,
        /,
        *,
        size: Size = 128,
        words: bool = True,
        word_dropout: Share = 0.0,
        dropout: Rate = 0.0,
    ) -> None:
        super().__init__()
        self.size, self.words, self.word_dropout = size, words, word_dropout
        self.table = nn.Embedding(vocabulary, size, padding_idx=PAD)
        self.dropout = nn.Dropout(dropout)

    def for_encoder(self, batch: Batch) -> Tensor:
        """(B, T, E) the sentence as it is: words are never dropped before the encoder."""
        return self.dropout(self.table(batch.tokens))

    def for_decoder(self, batch: Batch) -> Tensor:
        """(B, T, E) what the decoder may see at each step."""
        return self.dropout(self.table(self._hidden(batch.previous)))

    def _hidden(self, previous: Tensor) -> Tensor:
        rate = (self.word_dropout if self.training else 0.0) if self.words else 1.0
        if rate == 0.0:
            return previous
        hide = (torch.rand(previous.shape, device=previous.device) < rate) & (previous != BOS)
        return previous.masked_fill(hide, UNK)
