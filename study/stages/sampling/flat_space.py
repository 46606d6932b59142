"""The cube as Optuna's samplers want it: one space without conditions, with every side a hyperparameter of its own.

Optuna's `gp`, `cmaes` and `nsgaii` model what all trials have in common and draw the rest at random. Over the cube all
trials have every side in common, branches included, so that nothing is left to chance.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

from uncollapse.search_spaces.space import Choice, Distribution
from uncollapse.study.stages.sampling.cube import Cube
from uncollapse.study.stages.sampling.known_trials import Known

Array = npt.NDArray[np.float64]


class FlatSpace:
    """Optuna's distributions of the sides of a cube, by the sides' names.

    Args:
        cube: of a family's space.
        orderless: choices that have no order are categories; else every side is an interval from 0 to 1.
    """

    def __init__(self, cube: Cube, orderless: bool) -> None:
        leaves: dict[int, list[Distribution]] = {}
        for name, leaf in cube.leaves.items():
            leaves.setdefault(cube.sides[name], []).append(leaf)
        self.many = {side: _categories(leaves[at]) if orderless else 0 for side, at in cube.place.items()}
        self.distributions: dict[str, BaseDistribution] = {
            side: CategoricalDistribution(range(many)) if many else FloatDistribution(0.0, 1.0)
            for side, many in self.many.items()
        }

    def params(self, point: Array) -> dict[str, Any]:
        """A point of the cube in Optuna's words."""
        pairs = zip(self.many.items(), point, strict=True)
        return {
            side: min(int(coordinate * many), many - 1) if many else float(coordinate)
            for (side, many), coordinate in pairs
        }

    def point(self, params: Mapping[str, Any]) -> Array:
        """The point that Optuna proposes; of a category, the middle of its room."""
        return np.array([(params[side] + 0.5) / many if many else params[side] for side, many in self.many.items()])


def _categories(leaves: Sequence[Distribution]) -> int:
    """How many categories a side has; 0 where it has an order, or branches that share it differ in what they choose."""
    first = leaves[0]
    if not isinstance(first, Choice) or any(leaf != first for leaf in leaves):
        return 0
    return 0 if all(type(value) in (int, float) for value in first.values) else len(first.values)


class Ended(NamedTuple):
    """Trials that ended, as arrays without gaps.

    points: (n, sides) of the cube.
    values: (n, objectives), lower is better; of a lost trial the worst.
    excesses: (n, limits), above 0 where a limit is broken; of a lost trial the worst.
    """

    points: Array
    values: Array
    excesses: Array


def ended(known: Known) -> Ended:
    """Of what is known what has ended; at least one trial must have a value."""
    finite = np.isfinite(known.values[:, 0])
    worst = np.broadcast_to(known.values[finite].max(0), known.values.shape)
    over = finite | known.lost
    values = np.where(finite[:, None], known.values, worst)[over]
    return Ended(known.points[over], values, _excesses(known)[over])


def _excesses(known: Known) -> Array:
    """By how much each limit is broken, on the scale of slacks; what is unknown of a trial is the middle, and where it
    is known of none, 0."""
    found = -known.slacks
    found[:, ~np.isfinite(found).any(axis=0)] = 0.0
    if not found.size:
        return found
    rest = np.where(known.lost[:, None], np.nanmax(found, axis=0), np.nanmedian(found, axis=0))
    return np.where(np.isfinite(found), found, rest)


def scattered(cube: Cube, points: Array, seed: int) -> Array:
    """The points, drawn anew on every side that their branches do not use, from the same seed to the same place.

    What evolves carries such sides along: in one place for all trials they would lose their spread unseen.
    """
    drawn = np.random.default_rng(seed).random(points.shape)
    return np.where(cube.used(points), points, drawn)
