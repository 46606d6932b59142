"""What a check says when a component fails it, and how it is run."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import torch
from torch import Tensor


class Failure(Exception):
    """A component does not do what every component of its slot must; the message is a sentence for its author."""


class Result(NamedTuple):
    """What a check found: its name, and why it failed; None where it passed."""

    check: str
    failure: str | None


def failure(check: Callable[[], None]) -> str | None:
    """Why a check fails, or None; what the code of somebody else raises fails it too."""
    torch.manual_seed(0)
    try:
        check()
    except Failure as error:
        return str(error)
    except Exception as error:
        return f"it raises {type(error).__name__}: {error}"
    return None


def name_of(check: Callable[..., None]) -> str:
    """The name of a check as a sentence."""
    return check.__name__.replace("_", " ")


def demand(holds: object, sentence: str) -> None:
    """Fail with `sentence` unless it holds; a tensor holds where all of it is true."""
    if not (bool(holds.all()) if isinstance(holds, Tensor) else holds):
        raise Failure(sentence)


def demand_close(found: Tensor, expected: Tensor, sentence: str, rtol: float = 1e-5, atol: float = 1e-5) -> None:
    """Fail unless two tensors are alike in shape and type, and in value within rounding."""
    try:
        torch.testing.assert_close(found, expected, rtol=rtol, atol=atol)
    except AssertionError as error:
        raise Failure(f"{sentence} ({' '.join(str(error).split())})") from None


def demand_mean(sample: Tensor, expected: float | Tensor, sentence: str, rounding: float = 1e-6) -> None:
    """Fail unless the mean over the first axis lies within 4 standard errors, plus rounding, of `expected`."""
    sample = sample.detach().double()
    standard_error = sample.std(0) / sample.shape[0] ** 0.5
    gap = (sample.mean(0) - expected).abs()
    farthest = float((gap / standard_error).detach().max())
    demand(gap <= 4 * standard_error + rounding, f"{sentence}; it is {farthest:.1f} standard errors off")


def untouched(gradients: Iterable[tuple[str, Tensor | None]]) -> list[str]:
    """Names of parameters that no gradient reaches."""
    return [name for name, gradient in gradients if gradient is None or not gradient.abs().sum() > 0]
