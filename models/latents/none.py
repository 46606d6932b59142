"""No latent variable: the decoder alone, which is the language model. Shapes: * batch; H features; C code size."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from uncollapse.models.configuration.bounds import Size
from uncollapse.models.latents._base import Latent
from uncollapse.models.variable import Variable


class None_(Latent):  # noqa: N801 -- `None` is a keyword
    """The language model p(x) = prod_t p(w_t | w_<t); its decoder reads `size` zeros in place of a code."""

    variables = ()

    def __init__(self, features: int, /, *, size: Size = 32) -> None:
        super().__init__()
        self.code_size = size

    def forward(self, h: Tensor, given: Mapping[str, Tensor] | None = None) -> dict[str, Variable]:
        """Return no variables, whatever h (*, H) is."""
        return {}

    def code(self, values: Mapping[str, Tensor], like: Tensor) -> Tensor:
        """Return zeros (*, C) for features `like` (*, H)."""
        return self.mean(like)

    def mean(self, h: Tensor) -> Tensor:
        """Return zeros: (*, H) -> (*, C)."""
        return h.new_zeros(*h.shape[:-1], self.code_size)

    def prior_sample(self, shape: Sequence[int]) -> dict[str, Tensor]:
        """Return no draws."""
        return {}
