"""What encoder and decoder read. Shapes: B sentences, T steps, V vocabulary, E embedding."""

from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor, nn

from uncollapse.models.batch import BOS, PAD, UNK, Batch
from uncollapse.models.configuration.bounds import Count, Rate, Share, Size
from uncollapse.models.corpus_info import CorpusInfo
from uncollapse.models.layers.contexts import BagContext, LabelContext


class Embedded(nn.Module):
    """Embedded words for the encoder and for the decoder.

    Args:
        size: E.
        words: the decoder sees the words so far; without them it is inputless (Xu & Durrett 2018), in training and
            at test alike: every input but BOS is UNK.
        bos: an inputless decoder still sees BOS first (Li et al. 2019); Xu & Durrett 2018 hide it too.
        word_dropout: probability that an input word of the decoder is UNK, in training only (Bowman et al. 2016).
        dropout: on the embeddings that encoder and decoder read.
        shared: one table for encoder and decoder (Prokhorov et al. 2021), or one each (Long et al. 2019).
        vectors: `start` from the corpus's word vectors, or keep them `frozen` all through training, words without one
            included; their dimension is E.
        label_size: dimension of an embedding of the sentence's class beside every input word of encoder and decoder
            (Xu & Durrett 2018, Yelp, 50); 0 for none.
        bag_size: dimension of a linear map of the mean embedding of the sentence's own words beside every input word of
            the decoder (NVRNN-BoW of Xu & Durrett 2018, 200), EOS left out; 0 for none. The decoder is then shown what
            it is to predict, and no figure is a likelihood of the sentence.
    """

    def __init__(
        self,
        corpus_info: CorpusInfo,
        /,
        *,
        size: Size = 128,
        words: bool = True,
        bos: bool = True,
        word_dropout: Share = 0.0,
        dropout: Rate = 0.0,
        shared: bool = True,
        vectors: Literal["none", "start", "frozen"] = "none",
        label_size: Count = 0,
        bag_size: Count = 0,
    ) -> None:
        super().__init__()
        self.words, self.bos, self.word_dropout = words, bos, word_dropout
        self.table = _table(corpus_info, size, vectors)
        self.encoder_table = self.table if shared else _table(corpus_info, size, vectors)
        self.dropout = nn.Dropout(dropout)
        self.label = LabelContext(corpus_info, label_size) if label_size else None
        self.bag = BagContext(size, bag_size) if bag_size else None
        self.encoder_size = size + label_size
        self.decoder_size = size + label_size + bag_size

    @property
    def shows_bag(self) -> bool:
        """Whether the decoder is shown the words that it is to predict."""
        return self.bag is not None

    def for_encoder(self, batch: Batch) -> Tensor:
        """(B, T, E + label) the sentence as it is: words are never dropped before the encoder."""
        return self._beside(self.dropout(self.encoder_table(batch.tokens)), self._label_of(batch))

    def for_decoder(self, batch: Batch) -> Tensor:
        """(B, T, E + label + bag) what the decoder may see at each step."""
        embedded = self.dropout(self.table(self._hidden(batch.previous)))
        bag = [] if self.bag is None else [self.bag(self.table(batch.tokens), batch.words)]
        return self._beside(embedded, [*self._label_of(batch), *bag])

    def _label_of(self, batch: Batch) -> list[Tensor]:
        return [] if self.label is None else [self.label(batch)]

    @staticmethod
    def _beside(embedded: Tensor, contexts: list[Tensor]) -> Tensor:
        """(B, T, E) with each context (B, D) beside every step."""
        repeated = [context.unsqueeze(1).expand(-1, embedded.shape[1], -1) for context in contexts]
        return torch.cat([embedded, *repeated], -1) if repeated else embedded

    def encoder_parameters(self) -> Iterator[nn.Parameter]:
        """What the encoder alone reads; nothing where the table is shared."""
        return iter(()) if self.encoder_table is self.table else self.encoder_table.parameters()

    def _hidden(self, previous: Tensor) -> Tensor:
        rate = (self.word_dropout if self.training else 0.0) if self.words else 1.0
        if rate == 0.0:
            return previous
        hide = torch.ones_like(previous, dtype=torch.bool)
        if self.words:  # an inputless decoder draws nothing, or padding would move the draws that follow
            hide = torch.rand(previous.shape, device=previous.device) < rate
        if self.words or self.bos:
            hide &= previous != BOS
        return previous.masked_fill(hide, UNK)


def _table(corpus_info: CorpusInfo, size: int, vectors: str) -> nn.Embedding:
    table = nn.Embedding(corpus_info.size, size, padding_idx=PAD)
    if vectors == "none":
        return table
    if corpus_info.vectors is None or corpus_info.known is None:
        raise ValueError("inputs.vectors: these models start from word vectors; name a file in `corpus.vectors`")
    found = torch.from_numpy(corpus_info.vectors.copy())
    if found.shape[1] != size:
        raise ValueError(f"inputs.size: must be {found.shape[1]}, as the corpus's word vectors, found {size}")
    with torch.no_grad():
        known = torch.from_numpy(corpus_info.known.copy())
        table.weight[known] = found[known].to(table.weight)
    table.weight.requires_grad_(vectors == "start")
    return table
