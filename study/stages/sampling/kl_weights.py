"""The KL weights of points of a search: what decides first whether a code is used."""

import math
import re

import numpy as np
import numpy.typing as npt

from uncollapse.search_spaces.space import Choice, Interval
from uncollapse.study.stages.sampling.cube import Cube

Array = npt.NDArray[np.float64]
# A KL term's weight, or the one at which its schedule ends.
WEIGHT = re.compile(r"objective\.kl\w*\.\w+((\.\w+)*\.value)?")
FAINTEST = 1e-3  # of the highest: a weight of 0 has no logarithm


def log_kl_weights(cube: Cube, points: Array) -> Array:
    """(points,): the sum of the logarithms of every KL term's weight; 0 where the space has none."""
    weights = {
        cube.sides[name]: leaf
        for name, leaf in cube.leaves.items()
        if WEIGHT.fullmatch(name) and not isinstance(leaf, Choice)
    }
    return np.asarray(sum((_logs(leaf, points[:, side]) for side, leaf in weights.items()), np.zeros(len(points))))


def _logs(leaf: Interval, coordinates: Array) -> Array:
    if leaf.log:
        return np.asarray(math.log(leaf.low) + coordinates * math.log(leaf.high / leaf.low))
    weights = leaf.low + coordinates * (leaf.high - leaf.low)
    return np.log(np.maximum(weights, FAINTEST * leaf.high))
