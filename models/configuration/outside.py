"""Components of other packages: `package.module:Name`, or a short name that an installed package registers for one.

A package registers `laplace` as a latent by an entry point of the group `uncollapse.components` whose name is
`latent.laplace` and whose value is `package.module:Name`. The package has to be installed, or on PYTHONPATH; the
working directory and the page's folder are not searched. Nothing of it is imported until a model is built.
"""

import importlib
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from uncollapse.models.configuration import signatures
from uncollapse.models.configuration.signatures import Place
from uncollapse.models.configuration.sources import file_of, holder_of

GROUP = "uncollapse.components"
NAME = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):([A-Za-z_]\w*)", re.ASCII)
NEEDED: Mapping[str, str] = {"latent": "variables", "decoder": "predicts", "pool": "at"}  # read where nothing is built


@dataclass(frozen=True)
class Registered:
    """A component that an installed package offers under a short name."""

    slot: str
    kind: str
    name: str
    package: str


@cache
def registered() -> tuple[Registered, ...]:
    """Every component that an installed package registers."""
    found = []
    for point in sorted(entry_points(group=GROUP)):
        slot, _, kind = point.name.partition(".")
        package = f"{point.dist.name} {point.dist.version}" if point.dist else ""
        found.append(Registered(slot, kind, point.value, package))
    return tuple(found)


def names(slot: str, kind: object) -> list[str]:
    """The `package.module:Name` that a kind which is none of ours stands for; several where packages disagree."""
    if isinstance(kind, str) and ":" in kind:
        return [kind]
    return sorted({one.name for one in registered() if (one.slot, one.kind) == (slot, kind)})


def errors(slot: str, name: str) -> list[str]:
    """Why a component cannot be used, as the rest of a sentence after its place; nothing is imported to know."""
    if (parsed := NAME.fullmatch(name)) is None:
        constraint = "a component of another package is `package.module:Name`, of letters, digits and underscores"
        return [f"{constraint}, found {name!r}"]
    module = parsed[1]
    if module.partition(".")[0] in sys.stdlib_module_names:
        return [f"a component is of a package for it, and {module} belongs to Python, found {name!r}"]
    if file_of(module) is None:
        return [_missing(module)]
    return signatures.errors(place_of(name), NEEDED.get(slot))


def _missing(module: str) -> str:
    top, holder = module.partition(".")[0], holder_of(module)
    if holder is None:
        return (
            f"the module {module} is not found: the package {top} is neither installed here nor on PYTHONPATH; install "
            "it, or put the folder that holds it on PYTHONPATH (the working directory and the page's folder are not "
            "searched)"
        )
    return (
        f"the module {module} is not found: the package {top} is here, in {holder}, and has no such module in Python's "
        "source; name another, or install the version that has it"
    )


def place_of(name: str) -> Place:
    """Where the source of a sound `package.module:Name` lies."""
    module, _, attribute = name.partition(":")
    file = file_of(module)
    assert file is not None, name
    return Place(module, file, attribute)


def load(name: str) -> Callable[..., Any]:
    """Import a component.

    Raises:
        ValueError: its package is not here, or fails when it is imported.
    """
    module, _, attribute = name.partition(":")
    try:
        found: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
    except Exception as error:  # whatever the code of somebody else raises
        raise ValueError(f"{name}: it cannot be imported here ({type(error).__name__}: {error})") from error
    return found
