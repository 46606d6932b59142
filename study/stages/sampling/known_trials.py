"""What a model of the search learns from: where trials stood, what they reached, and what they broke."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from optuna.trial import FrozenTrial, TrialState

from uncollapse.analysis.schema import DECISIVE, DROPPED
from uncollapse.study.config.objectives import Limit
from uncollapse.study.stages.sampling.cube import Cube

Array = npt.NDArray[np.float64]
FLAT = 0.06  # of the bound: measures below are told apart by their difference, above it by their ratio
USE = (*DECISIVE, "kl", "active_units")  # measures that rise with the use of a code
CONSTRAINT = "constraints:"  # where Optuna keeps by how much a trial breaks a limit


class Known(NamedTuple):
    """Trials as arrays.

    points: (n, sides) of the cube.
    values: (n, objectives), lower is better; NaN while a trial runs and where it diverged or failed.
    slacks: (n, limits), by how much each limit is kept, 0 or above where it is, as `slack` gives it; NaN where that is
        not known, as of a trial that was stopped before it kept it.
    lost: (n,), whether it ended without a value.
    of_use: whether there are limits and all of them ask that a code is used.
    """

    points: Array
    values: Array
    slacks: Array
    lost: npt.NDArray[np.bool_]
    of_use: bool


def known(cube: Cube, trials: Sequence[FrozenTrial], signs: Sequence[float]) -> Known:
    """The trials that were drawn from the cube's space.

    Args:
        trials: of a search, and whatever came before it; what was stopped early counts with its last value.
        signs: of each objective, -1 where it is the higher the better.
    """
    drawn = [one for one in trials if one.params and one.params.keys() <= cube.leaves.keys() and not _doubled(one)]
    limits = sorted({name for one in drawn for name in one.system_attrs if name.startswith(CONSTRAINT)})
    columns = [slack(name, [one.system_attrs.get(name, np.nan) for one in drawn]) for name in limits]
    slacks = np.stack(columns, axis=1) if limits else np.empty((len(drawn), 0))
    stopped = np.array([one.state == TrialState.PRUNED for one in drawn], dtype=bool)
    slacks[stopped[:, None] & (slacks < 0)] = np.nan  # its code might have come to be used later
    return Known(
        np.array([cube.point(one.params) for one in drawn]).reshape(len(drawn), cube.size),
        np.array([_values(one, signs) for one in drawn]).reshape(len(drawn), len(signs)),
        slacks,
        np.array([one.state == TrialState.FAIL for one in drawn], dtype=bool),
        bool(limits) and all(_of_use(name) for name in limits),
    )


def _of_use(name: str) -> bool:
    limit = Limit.read(name.removeprefix(CONSTRAINT))
    return limit.measure in USE and limit.sign == ">="


def slack(name: str, excesses: Sequence[float]) -> Array:
    """By how much a limit is kept: the logarithm of the measure over its bound, or under it, near 0 flattened.

    On this scale mutual information of 0.1 and of 0.01 nats, both far below a bound of 0.5, are far apart: where all
    trials are collapsed, those that are a little less so show the way. In nats they would be the same.

    Args:
        name: of the limit's constraint.
        excesses: by how much it is broken, in the measure's unit.
    """
    limit = Limit.read(name.removeprefix(CONSTRAINT))
    sign = 1.0 if limit.sign == ">=" else -1.0
    small = FLAT * abs(limit.bound) or FLAT
    measures = limit.bound - sign * np.asarray(excesses, dtype=float)
    return np.asarray(sign * (np.arcsinh(measures / small) - np.arcsinh(limit.bound / small)))


def _doubled(trial: FrozenTrial) -> bool:
    """Whether it proposed what another trial trained."""
    return trial.user_attrs.get("state") == DROPPED


def _values(trial: FrozenTrial, signs: Sequence[float]) -> list[float]:
    """Its objectives, each better when lower; of a trial that was stopped early, its last bound for the first."""
    if trial.state == TrialState.COMPLETE:
        return [sign * value for sign, value in zip(signs, trial.values, strict=True)]
    last = trial.intermediate_values.get(trial.last_step) if trial.last_step is not None else None
    if trial.state == TrialState.PRUNED and last is not None and len(signs) == 1:
        return [last]
    return [np.nan] * len(signs)
