"""A search space as a unit cube, a side for every hyperparameter; those that branches share by name share a side."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from uncollapse.search_spaces import space
from uncollapse.search_spaces.space import Choice, Distribution, Interval

Array = npt.NDArray[np.float64]
MIDDLE = 0.5  # where a point stands on a side that it has no hyperparameter for


class Cube:
    """The cube of a page's `search`; points are arrays of (points, sides) from 0 to 1.

    Hyperparameters of several branches of a `one_of` that are called alike (`kl.z.linear.value`, `kl.z.constant.value`)
    lie on one side, so that what is learnt of one says something of the other.
    """

    def __init__(self, search: Mapping[str, Any]) -> None:
        self.steps = list(space.steps(search))
        sides = dict.fromkeys(_side(name, way) for name, _, way in self.steps)
        self.place = {side: at for at, side in enumerate(sides)}
        self.leaves: dict[str, Distribution] = {name: leaf for name, leaf, _ in self.steps}
        self.sides = {name: self.place[_side(name, way)] for name, _, way in self.steps}

    @property
    def size(self) -> int:
        return len(self.place)

    def values(self, point: Array) -> dict[str, Any]:
        """Every hyperparameter at a point, in the words in which it is recorded, those of all branches included."""
        return {name: _value(leaf, float(point[self.sides[name]])) for name, leaf in self.leaves.items()}

    def params(self, point: Array) -> dict[str, Any]:
        """The hyperparameters that a trial at a point has: those of the branches that it takes."""
        every = self.values(point)
        taken = {name: all(every[kind] == branch for kind, branch in way.items()) for name, _, way in self.steps}
        return {name: value for name, value in every.items() if taken[name]}

    def point(self, params: Mapping[str, Any]) -> Array:
        """Where recorded hyperparameters stand."""
        found = np.full(self.size, MIDDLE)
        for name, value in params.items():
            found[self.sides[name]] = _coordinate(self.leaves[name], value)
        return found

    def settled(self, points: Array) -> Array:
        """The points, in the middle of each side that their branches do not use."""
        return np.where(self.used(points), points, MIDDLE)

    def used(self, points: Array) -> npt.NDArray[np.bool_]:
        """(points, sides): whether a point's branches have a hyperparameter there."""
        used = np.zeros(points.shape, dtype=bool)
        for name, _, way in self.steps:
            taken = np.ones(len(points), dtype=bool)
            for kind, branch in way.items():
                leaf = self.leaves[kind]
                assert isinstance(leaf, Choice)
                taken &= _places(leaf, points[:, self.sides[kind]]) == list(leaf.names).index(branch)
            used[:, self.sides[name]] |= taken
        return used

    def features(self, points: Array) -> Array:
        """(points, features) for a model of distances: numbers as they stand, choices without an order one by one."""
        columns: list[Array] = []
        done: set[int] = set()
        for name, leaf in self.leaves.items():
            side = self.sides[name]
            if side not in done:
                done.add(side)
                columns += _columns(leaf, points[:, side])
        return np.stack(columns, axis=1)


def _side(name: str, way: Mapping[str, str]) -> str:
    """The name of a hyperparameter without the branches that lead to it."""
    for kind, branch in way.items():
        stem = kind.removesuffix(".kind")
        name = name.replace(f"{stem}.{branch}.", f"{stem}.", 1)
    return name


def _places(leaf: Choice, coordinates: Array) -> npt.NDArray[np.int64]:
    """The place of each coordinate's choice."""
    many = len(leaf.values)
    return np.minimum((coordinates * many).astype(np.int64), many - 1)


def _value(leaf: Distribution, coordinate: float) -> Any:
    if isinstance(leaf, Choice):
        return list(leaf.names)[int(_places(leaf, np.array([coordinate]))[0])]
    low, high = _ends(leaf)
    there = low + coordinate * (high - low)
    number = min(max(math.exp(there) if leaf.log else there, leaf.low), leaf.high)
    return min(max(round(number), int(leaf.low)), int(leaf.high)) if leaf.whole else number


def _coordinate(leaf: Distribution, value: Any) -> float:
    if isinstance(leaf, Choice):
        return (list(leaf.names).index(value) + 0.5) / len(leaf.values)
    low, high = _ends(leaf)
    return ((math.log(value) if leaf.log else value) - low) / (high - low)


def _ends(leaf: Interval) -> tuple[float, float]:
    """Of a whole number, the halves beside its ends, so that every one of them has the same room."""
    low, high = (leaf.low - 0.5, leaf.high + 0.5) if leaf.whole else (leaf.low, leaf.high)
    return (math.log(max(low, 0.5 * leaf.low)), math.log(high)) if leaf.log else (low, high)


def _columns(leaf: Distribution, coordinates: Array) -> Sequence[Array]:
    if not isinstance(leaf, Choice):
        return [coordinates]
    places = _places(leaf, coordinates)
    if all(type(value) in (int, float) for value in leaf.values):
        return [places / max(1, len(leaf.values) - 1)]
    return [np.where(places == at, math.sqrt(0.5), 0.0) for at in range(len(leaf.values))]
