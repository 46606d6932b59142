"""No pooling. Shapes: B sentences, T steps, H features."""

from torch import Tensor


class Nowhere:
    """A posterior at every token; the decoder attends to all of them (the Variational Auto-Transformer)."""

    at = "tokens"

    def __init__(self, features: int, /) -> None:
        pass

    def __call__(self, features: Tensor, mask: Tensor) -> Tensor:
        """(B, T, H) as it is."""
        return features
