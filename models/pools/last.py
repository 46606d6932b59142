"""Last step. Shapes: B sentences, T steps, H features."""

from typing import Literal

import torch
from torch import Tensor

from uncollapse.models.configuration.bounds import Fraction


class Last:
    """The features of the last step of each sentence, at its EOS.

    Args:
        at: `features`: one posterior a sentence; `latents`: a posterior at every step, of which the decoder reads the
            last (Li et al. 2019).
        regularise: with `latents`, the share of the steps, the last ones, over which the KL is averaged (their
            ablation takes the last 25, 50 and 75 %).
    """

    def __init__(
        self, features: int, /, *, at: Literal["features", "latents"] = "features", regularise: Fraction = 1.0
    ) -> None:
        self.at, self.share = at, regularise

    def __call__(self, features: Tensor, mask: Tensor) -> Tensor:
        """(B, T, H) to (B, H)."""
        return features[torch.arange(len(mask), device=mask.device), mask.sum(1) - 1]

    def regularised(self, mask: Tensor) -> Tensor:
        """(B, T) true at the steps whose KL is averaged: the last `share` of each sentence, one step at least."""
        lengths = mask.sum(1, keepdim=True)
        kept = (self.share * lengths - 1e-6).ceil().clamp_min(1)
        return mask & (torch.arange(mask.shape[1], device=mask.device) >= lengths - kept)
