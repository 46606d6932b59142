"""A batch of sentences. Shapes: B sentences, T steps (words, then EOS, then padding), K copies."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

PAD, UNK, BOS, EOS = range(4)


@dataclass(frozen=True)
class Batch:
    """Sentences as targets: words, EOS, padding.

    Args:
        tokens: (B, T) word ids; every sentence ends in EOS and is padded with PAD.
        lengths: (B,) number of targets, words and EOS.
        labels: (B,) classes, or None.
    """

    tokens: Tensor
    lengths: Tensor
    labels: Tensor | None = None

    @property
    def mask(self) -> Tensor:
        """(B, T) true where there is a target."""
        return torch.arange(self.tokens.shape[1], device=self.tokens.device) < self.lengths.unsqueeze(1)

    @property
    def words(self) -> Tensor:
        """(B, T) true where there is a word: a target that is not EOS."""
        return torch.arange(self.tokens.shape[1], device=self.tokens.device) < self.lengths.unsqueeze(1) - 1

    @property
    def previous(self) -> Tensor:
        """(B, T) what a decoder has seen last: BOS, then every target but the final one."""
        start = torch.full_like(self.tokens[:, :1], BOS)
        return torch.cat([start, self.tokens[:, :-1]], dim=1)

    def repeated(self, copies: int) -> "Batch":
        """The batch K times over, (K * B, T), one whole copy after another."""
        labels = None if self.labels is None else self.labels.repeat(copies)
        return Batch(self.tokens.repeat(copies, 1), self.lengths.repeat(copies), labels)

    def of(self, rows: Tensor) -> "Batch":
        """The sentences `rows` (N,), without the padding that none of them needs."""
        lengths = self.lengths[rows]
        labels = None if self.labels is None else self.labels[rows]
        return Batch(self.tokens[rows, : int(lengths.max())], lengths, labels)

    def reading(self, tokens: Tensor) -> "Batch":
        """The same sentences with other words, of the same lengths: (B, T)."""
        return replace(self, tokens=tokens)

    def to(self, device: torch.device) -> "Batch":
        labels = None if self.labels is None else self.labels.to(device)
        return Batch(self.tokens.to(device), self.lengths.to(device), labels)
