"""A search space as a grid: every `choice` and every stated point crossed, conditional parts only where they exist.

The grid is counted and read place by place, never written out, so that it may be of any size. The hyperparameter that
the page names last changes first.
"""

from collections.abc import Mapping
from math import prod
from typing import Any

from uncollapse.search_spaces import space
from uncollapse.search_spaces.space import Choice, Distribution


def values(leaf: Distribution) -> tuple[Any, ...]:
    """What a grid takes of a hyperparameter, in the words in which it is recorded; none where nothing is stated."""
    return tuple(leaf.names) if isinstance(leaf, Choice) else leaf.points


def without_points(search: Mapping[str, Any]) -> list[str]:
    """The hyperparameters of which a grid cannot take any, by dotted name."""
    return [name for name, leaf in space.hyperparameters(search) if not values(leaf)]


def size(search: Mapping[str, Any]) -> int:
    """How many points the grid has."""
    return prod(_size(space.expand(node)) for node in search.values())


def point(search: Mapping[str, Any], place: int) -> dict[str, Any]:
    """The point at a place from 0 to `size` - 1: recorded values by dotted name, of the branches that it takes."""
    return _crossed(search, "", place)


def holds(search: Mapping[str, Any], params: Mapping[str, Any]) -> bool:
    """Whether recorded hyperparameters are a point of the grid; none at all are none."""
    leaves = dict(space.hyperparameters(search))
    return bool(params) and all(name in leaves and value in values(leaves[name]) for name, value in params.items())


def _size(node: Any) -> int:
    if not isinstance(node, Mapping):
        return 1  # the page fixes it
    if (leaf := space.distribution(node)) is not None:
        return len(values(leaf))
    if "one_of" in node:
        return sum(size(options or {}) for options in node["one_of"].values())
    return size(node)


def _crossed(nodes: Mapping[str, Any], before: str, place: int) -> dict[str, Any]:
    found: list[dict[str, Any]] = []
    for key, inner in reversed(list(nodes.items())):
        node = space.expand(inner)
        place, own = divmod(place, _size(node))
        found.append(_point(node, f"{before}{key}", own))
    return {name: value for part in reversed(found) for name, value in part.items()}


def _point(node: Any, name: str, place: int) -> dict[str, Any]:
    if not isinstance(node, Mapping):
        return {}
    if (leaf := space.distribution(node)) is not None:
        return {name: values(leaf)[place]}
    if "one_of" not in node:
        return _crossed(node, f"{name}.", place)
    for kind, options in node["one_of"].items():
        if place < (many := size(options or {})):
            return {f"{name}.kind": kind} | _crossed(options or {}, f"{name}.{kind}.", place)
        place -= many
    raise IndexError(place)
