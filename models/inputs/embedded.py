"""Word embeddings. Shapes: B sentences, T steps, V vocabulary, E embedding."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from models.batch import BOS, PAD, UNK, Batch
from models.bounds import Rate, Share, Size
from models.lexicon import Lexicon


class Embedded(nn.Module):
    """Embedded words for the encoder and for the decoder.

    Args:
        size: E.
        words: the decoder sees the words so far; without them it is inputless (Xu & Durrett 2018), in training and
            at test alike: every input but BOS is UNK.
        word_dropout: probability that an input word of the decoder is UNK, in training only (Bowman et al. 2016).
        dropout: on the embeddings that encoder and decoder read.
        shared: one table for encoder and decoder (Prokhorov et al. 2021), or one each (Long et al. 2019).
    """

    def __init__(
        self,
        lexicon: Lexicon,
        /,
        *,
        size: Size = 128,
        words: bool = True,
        word_dropout: Share = 0.0,
        dropout: Rate = 0.0,
        shared: bool = True,
    ) -> None:
        super().__init__()
        self.encoder_size = self.decoder_size = size
        self.words, self.word_dropout = words, word_dropout
        self.shows_bag = False
        self.table = nn.Embedding(lexicon.size, size, padding_idx=PAD)
        self.encoder_table = self.table if shared else nn.Embedding(lexicon.size, size, padding_idx=PAD)
        self.dropout = nn.Dropout(dropout)

    def for_encoder(self, batch: Batch) -> Tensor:
        """(B, T, E) the sentence as it is: words are never dropped before the encoder."""
        return self.dropout(self.encoder_table(batch.tokens))

    def for_decoder(self, batch: Batch) -> Tensor:
        """(B, T, E) what the decoder may see at each step."""
        return self.dropout(self.table(self._hidden(batch.previous)))

    def encoder_parameters(self) -> Iterator[nn.Parameter]:
        """What the encoder alone reads; nothing where the table is shared."""
        return iter(()) if self.encoder_table is self.table else self.encoder_table.parameters()

    def _hidden(self, previous: Tensor) -> Tensor:
        rate = (self.word_dropout if self.training else 0.0) if self.words else 1.0
        if rate == 0.0:
            return previous
        hide = (torch.rand(previous.shape, device=previous.device) < rate) & (previous != BOS)
        return previous.masked_fill(hide, UNK)
