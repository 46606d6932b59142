"""What one pass through a model leaves behind. Shapes: B sentences."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Trace:
    """Everything an objective may weigh, already summed over steps and free of padding.

    Args:
        reconstruction: (B,) -log p(x | latents), nats, summed over words and EOS.
        kl: for each variable (B,) the KL of the bound: of the pooled variable, or summed over tokens.
        kl_mean: for each variable (B,) the KL averaged over steps, where every step has a posterior; not a bound's.
    """

    reconstruction: Tensor
    kl: Mapping[str, Tensor]
    kl_mean: Mapping[str, Tensor]

    @property
    def terms(self) -> dict[str, Tensor]:
        """The regularisers by the names that an objective gives them."""
        bound = {f"kl.{name}": value for name, value in self.kl.items()}
        return bound | {f"kl_mean.{name}": value for name, value in self.kl_mean.items()}
