"""Maximum pooling. Shapes: B sentences, T steps, H features."""

from torch import Tensor


class Max:
    """Largest value of each feature over the steps of each sentence (Long et al. 2019)."""

    at = "features"

    def __init__(self, features: int, /) -> None:
        pass

    def __call__(self, features: Tensor, mask: Tensor) -> Tensor:
        """(B, T, H) to (B, H)."""
        return features.masked_fill(~mask.unsqueeze(-1), float("-inf")).amax(1)
