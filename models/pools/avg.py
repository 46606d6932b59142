"""Average pooling. Shapes: B sentences, T steps, H features."""

from torch import Tensor


class Avg:
    """Mean over the steps of each sentence (Long et al. 2019)."""

    at = "features"

    def __init__(self, features: int, /) -> None:
        pass

    def __call__(self, features: Tensor, mask: Tensor) -> Tensor:
        """(B, T, H) to (B, H)."""
        kept = features.masked_fill(~mask.unsqueeze(-1), 0.0)
        return kept.sum(1) / mask.sum(1, keepdim=True)
