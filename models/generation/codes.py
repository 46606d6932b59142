"""What a decoder is given to speak from. Shapes: B sentences, S tokens of the source, C code, T steps."""

from dataclasses import dataclass

import torch
from torch import Tensor

from uncollapse.models.batch import Batch


@dataclass(frozen=True)
class Codes:
    """One code a sentence, or one a token, with what else the decoder is told of each sentence.

    Args:
        values: (B, C), or (B, S, C) where every token has a code.
        mask: (B, S) true where there is a code; None for one code a sentence.
        labels: (B,) classes that the inputs may show, or None.
        source: the sentences whose bag the inputs show, where they show one; else None.
    """

    values: Tensor
    mask: Tensor | None = None
    labels: Tensor | None = None
    source: Batch | None = None

    def __len__(self) -> int:
        return len(self.values)

    def rows(self, index: Tensor) -> "Codes":
        """The codes of the rows `index` (N,), which may name a row more than once."""
        mask = None if self.mask is None else self.mask[index]
        source = None if self.source is None else batch_rows(self.source, index)
        return Codes(self.values[index], mask, _rows(self.labels, index), source)

    def repeated(self, times: int) -> "Codes":
        """Each code so many times in a row: (B * times) codes."""
        return self.rows(torch.arange(len(self), device=self.values.device).repeat_interleave(times))


def batch_rows(batch: Batch, index: Tensor) -> Batch:
    """The sentences `index` (N,) of a batch, which may name one more than once."""
    return Batch(batch.tokens[index], batch.lengths[index], _rows(batch.labels, index))


def _rows(values: Tensor | None, index: Tensor) -> Tensor | None:
    return None if values is None else values[index]
