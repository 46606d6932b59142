"""What every latent answers, with the usual answer. Shapes: * batch (B,) or (B, T); H features; C code size."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn

from uncollapse.models.variable import Variable


@dataclass(frozen=True)
class Latitude:
    """What a latent does by design that others must not; `models.conformance.latent` judges it within this.

    Args:
        upper_bound: variables whose charged KL is an upper bound of the true one.
        sampled: variables whose KL is the value at hand of log q - log p, which may be negative.
        prior: beginnings of the names of parameters of the prior, which no gradient of the code reaches.
        apart: beginnings of the names of parameters that the update rule's own loss moves.
        discrete: draws carry no gradient: it comes through log q, by the rule that trains them.
    """

    upper_bound: tuple[str, ...] = ()
    sampled: tuple[str, ...] = ()
    prior: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    discrete: bool = False


class Latent(nn.Module):
    """Features (*, H) to named variables of batch shape *, and from their values the code (*, C) a decoder reads.

    Class attributes that differ from these are literals, since constraints and pages read them without importing:
    `variables` by name, parents first; `penalties`, terms that an objective may weigh beside the KLs; `charges`, those
    of them that stand in for a KL; `updates`, the one update rule that can train it.
    """

    variables: ClassVar[tuple[str, ...]] = ()
    penalties: ClassVar[tuple[str, ...]] = ()
    charges: ClassVar[tuple[str, ...]] = ()
    updates: ClassVar[str | None] = None
    kl_is_dual = False  # True: no density, and `Variable.kl` is a dual estimate, which no bound may charge
    on_sphere = False  # True: codes have length one, and no variance of a component's mean exceeds what that leaves it
    latitude = Latitude()
    code_size: int

    def forward(self, h: Tensor, given: Mapping[str, Tensor] | None = None) -> dict[str, Variable]:
        """Draw the variables, or score the `given` values, under features h (*, H)."""
        raise NotImplementedError

    def code(self, values: Mapping[str, Tensor], like: Tensor) -> Tensor:
        """Return what the decoder reads, (*, C), of the variables' values; `like` (*, H) gives shape and device."""
        raise NotImplementedError

    def mean(self, h: Tensor) -> Tensor:
        """Return the posterior mean of the code: (*, H) -> (*, C)."""
        raise NotImplementedError

    def prior_sample(self, shape: Sequence[int]) -> dict[str, Tensor]:
        """Draw values of all variables from the prior, of the given batch shape."""
        raise NotImplementedError

    def propose(self, h: Tensor) -> dict[str, Variable]:
        """Draw variables whose log_q is the exact density of the draw, for importance weights: the posterior's own."""
        return self(h)

    def penalty(self, name: str, h: Tensor, variables: Mapping[str, Variable]) -> Tensor:
        """Return the term `name` of `penalties`: (B,), or a scalar of the whole batch, in nats where it has a unit."""
        raise KeyError(name)

    def published_kl(self, h: Tensor, variables: Mapping[str, Variable]) -> Tensor | None:
        """Return the KL (*,) that the paper charges where that is not the KL of the bound; None where it is."""
        return None

    def prior_parameters(self) -> Iterable[nn.Parameter]:
        """Return the parameters of p(latents) alone, where the prior is learned."""
        return ()

    def variance(self, h: Tensor) -> Tensor | None:
        """Return the posterior variance of the code's components (*, C); None without a closed form."""
        return None

    def off(self, h: Tensor) -> Tensor | None:
        """Return the probability (*, C) that each component is switched off; None for dense codes."""
        return None

    def __call__(self, *arguments: Any, **options: Any) -> dict[str, Variable]:
        """As torch's, with its type."""
        return super().__call__(*arguments, **options)
