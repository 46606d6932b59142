"""Last step. Shapes: B sentences, T steps, H features."""

from typing import Literal

import torch
from torch import Tensor


class Last:
    """The features of the last step of each sentence, at its EOS.

    Args:
        at: `features`: one posterior a sentence; `latents`: a posterior at every step, of which the decoder reads the
            last (Li et al. 2019).
    """

    def __init__(self, *, at: Literal["features", "latents"] = "features") -> None:
        self.at = at

    def __call__(self, features: Tensor, mask: Tensor) -> Tensor:
        """(B, T, H) to (B, H)."""
        return features[torch.arange(len(mask), device=mask.device), mask.sum(1) - 1]
