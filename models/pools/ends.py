"""Both ends of a sentence. Shapes: B sentences, T steps, H features, half of each direction."""

import torch
from torch import Tensor


class Ends:
    """What each direction of a bidirectional encoder holds once it has read the whole sentence.

    The forward half of the features at the last step, the backward half at the first.
    """

    at = "features"

    def __init__(self, features: int, /) -> None:
        pass

    def __call__(self, features: Tensor, mask: Tensor) -> Tensor:
        """(B, T, H) to (B, H)."""
        forward, backward = features.chunk(2, dim=-1)
        last = forward[torch.arange(len(mask), device=mask.device), mask.sum(1) - 1]
        return torch.cat([last, backward[:, 0]], dim=-1)
