"""A batch of sentences. Shapes: B sentences, T steps (words, then EOS, then padding)."""

from dataclasses import dataclass

import torch
from torch import Tensor

PAD, UNK, BOS, EOS = range(4)


@dataclass(frozen=True)
class Batch:
    """Sentences as targets: words, EOS, padding.

    Args:
        tokens: (B, T) word ids; every sentence ends in EOS and is padded with PAD.
        lengths: (B,) number of targets, words and EOS.
    """

    tokens: Tensor
    lengths: Tensor

    @property
    def mask(self) -> Tensor:
        """(B, T) true where there is a target."""
        return torch.arange(self.tokens.shape[1], device=self.tokens.device) < self.lengths.unsqueeze(1)

    @property
    def previous(self) -> Tensor:
        """(B, T) what a decoder has seen last: BOS, then every target but the final one."""
        start = torch.full_like(self.tokens[:, :1], BOS)
        return torch.cat([start, self.tokens[:, :-1]], dim=1)

    def to(self, device: torch.device) -> "Batch":
        return Batch(self.tokens.to(device), self.lengths.to(device))
