"""Every variant of a part at a small size, by reading its signature: what the conformance tests list."""

import itertools
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

from uncollapse.models.configuration import components

SIZES = {"hidden": 8, "feedforward": 8, "heads": 2, "size": 6}


def switches(slot: str, kind: str) -> dict[str, tuple[Any, ...]]:
    """The options of a part that take few values, with all of them."""
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


def variants(slot: str) -> Iterator[dict[str, Any]]:
    """Resolved settings of every kind under every combination of its switches."""
    for kind in components.kinds(slot):
        known = {option.name for option in components.options(slot, kind)}
        few = switches(slot, kind)
        sizes = {name: value for name, value in SIZES.items() if name in known}
        for values in itertools.product(*few.values()):
            settings = components.resolve(slot, {"kind": kind, **sizes, **dict(zip(few, values, strict=True))})
            if not (settings.get("features") == "states" and settings.get("bidirectional")):  # a constraint forbids it
                yield settings


def name(settings: dict[str, Any]) -> str:
    """A test's id."""
    few = [str(value) for key, value in settings.items() if key not in SIZES and not isinstance(value, float)]
    return "-".join(few).replace(" ", "")
