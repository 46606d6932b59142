"""Every variant of a component at a small size, by reading its signature."""

import itertools
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

from uncollapse.models.configuration import components

SIZES = {"hidden": 8, "feedforward": 8, "heads": 2, "size": 6}


def switches(slot: str, kind: str) -> dict[str, tuple[Any, ...]]:
    """The options of a component that take few values, with all of them."""
    found: dict[str, tuple[Any, ...]] = {}
    for option in components.options(slot, kind):
        if get_origin(option.annotation) is Literal:
            found[option.name] = get_args(option.annotation)
        elif option.annotation is bool:
            found[option.name] = (False, True)
        elif get_origin(option.annotation) is tuple:
            items = get_args(get_args(option.annotation)[0])
            found[option.name] = tuple(
                itertools.chain(*(itertools.combinations(items, n) for n in range(len(items) + 1)))
            )
        elif option.name == "layers":
            found["layers"] = (1, 2)
    return found


def variants(slot: str, kind: str) -> Iterator[dict[str, Any]]:
    """Resolved settings of one kind under every combination of its switches."""
    few = switches(slot, kind)
    for values in itertools.product(*few.values()):
        settings = small(slot, kind, **dict(zip(few, values, strict=True)))
        if not (settings.get("features") == "states" and settings.get("bidirectional")):  # a law forbids it
            yield settings


def small(slot: str, kind: str, **chosen: Any) -> dict[str, Any]:
    """Resolved settings of one kind at a small size."""
    return components.resolve(slot, {"kind": kind, **sizes(slot, kind), **chosen})


def sizes(slot: str, kind: str) -> dict[str, int]:
    """Small values of the options of a kind that are sizes."""
    known = {option.name for option in components.options(slot, kind)}
    return {name: value for name, value in SIZES.items() if name in known}


def name(settings: dict[str, Any]) -> str:
    """What tells a variant from the others."""
    few = [str(value) for key, value in settings.items() if key not in SIZES and not isinstance(value, float)]
    return "-".join(few).replace(" ", "")
