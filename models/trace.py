"""What one pass through a model leaves behind. Shapes: B sentences, H features."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Trace:
    """Everything an objective may weigh, already summed over steps and free of padding.

    Args:
        reconstruction: (B,) -log p(x | latents), nats, summed over what is predicted.
        kl: for each variable (B,) the KL of the bound: of the pooled variable, or summed over tokens.
        kl_mean: for each variable (B,) the KL averaged over steps, where every step has a posterior; not a bound's.
        log_q: (B,) log density of the drawn latents, which score-function gradients ask for; 0 without latents.
        features: (B, H) pooled, or (B, T, H) without a pool.
        penalty: a latent's further terms by name, each (B,) or a scalar of the batch; computed when asked for.
    """

    reconstruction: Tensor
    kl: Mapping[str, Tensor]
    kl_mean: Mapping[str, Tensor]
    log_q: Callable[[], Tensor]
    features: Tensor
    penalty: Callable[[str], Tensor]

    def term(self, name: str) -> Tensor:
        """A regulariser by the name that an objective gives it, such as `kl.z` or `mmd`: (B,)."""
        kind, _, variable = name.partition(".")
        if kind == "kl":
            return self.kl[variable]
        if kind == "kl_mean":
            return self.kl_mean[variable]
        return self.penalty(name).expand_as(self.reconstruction)
