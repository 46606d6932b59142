"""Absolute pooling. Shapes: B sentences, T steps, H features."""

from torch import Tensor


class Abs:
    """The value of largest magnitude of each feature, its sign kept (Long et al. 2019)."""

    at = "features"

    def __init__(self, features: int, /) -> None:
        pass

    def __call__(self, features: Tensor, mask: Tensor) -> Tensor:
        """(B, T, H) to (B, H)."""
        kept = features.masked_fill(~mask.unsqueeze(-1), 0.0)
        largest = kept.abs().argmax(dim=1, keepdim=True)
        return kept.gather(1, largest).squeeze(1)
