"""No latent variable: the features themselves. Shapes: * batch; H features, which are the code."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from uncollapse.models.latents._base import Latent
from uncollapse.models.variable import Variable


class Features(Latent):
    """The decoder reads the encoder's features: a classifier, or a plain autoencoder."""

    variables = ()

    def __init__(self, features: int, /) -> None:
        super().__init__()
        self.code_size = features

    def forward(self, h: Tensor, given: Mapping[str, Tensor] | None = None) -> dict[str, Variable]:
        """Return no variables, whatever h (*, H) is."""
        return {}

    def code(self, values: Mapping[str, Tensor], like: Tensor) -> Tensor:
        """Return the features `like` (*, H)."""
        return like

    def mean(self, h: Tensor) -> Tensor:
        """Return h (*, H)."""
        return h

    def prior_sample(self, shape: Sequence[int]) -> dict[str, Tensor]:
        """Return no draws."""
        return {}
