"""The samplers that a page can ask for, by name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import optuna
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial

from uncollapse.analysis.schema import SAMPLER
from uncollapse.search_spaces import grid
from uncollapse.study.stages.sampling import cei, optuna_samplers
from uncollapse.study.stages.sampling.cube import Cube
from uncollapse.study.stages.sampling.known_trials import Known, known
from uncollapse.study.stages.sampling.point import PointSampler
from uncollapse.study.stages.sampling.random_draws import NamedRandomSampler
from uncollapse.study.stages.sampling.tpe import tpe
from uncollapse.study.storage.fingerprints import digest

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Proposal:
    """What one proposal is made from.

    Args:
        seed: of the study.
        family: its name.
        number: of the trial.
        search: the family's space.
        past: the family's Optuna study, which holds the trials before it and the directions.
        earlier: observations of other studies, taken for trials before the study's own.
    """

    seed: int
    family: str
    number: int
    search: Mapping[str, Any]
    past: optuna.Study
    earlier: Sequence[FrozenTrial] = ()

    def before(self) -> list[FrozenTrial]:
        """The trials of the study before this one."""
        return [trial for trial in self.past.get_trials(deepcopy=False) if trial.number < self.number]

    @property
    def own_seed(self) -> int:
        """Of study, family and trial, so that a restart repeats the proposal."""
        return int(digest(self.seed, self.family, self.number), 16) % 2**32

    @property
    def family_seed(self) -> int:
        """Of study and family, the same for every trial."""
        return int(digest(self.seed, self.family), 16) % 2**32


def _of_the_cube(propose: Callable[[Cube, Known, int, int, int], Array]) -> Callable[[Proposal], BaseSampler]:
    """A sampler from what proposes the next point of the cube, given what is known."""

    def made(one: Proposal) -> BaseSampler:
        cube = Cube(one.search)
        signs = [-1.0 if way == optuna.study.StudyDirection.MAXIMIZE else 1.0 for way in one.past.directions]
        tried = known(cube, [*one.earlier, *one.before()], signs)
        return PointSampler(cube.values(propose(cube, tried, one.number, one.family_seed, one.own_seed)))

    return made


def _qmc(one: Proposal) -> BaseSampler:
    cube = Cube(one.search)
    return PointSampler(cube.values(cei.sobol_point(cube, one.number, one.family_seed)))


def _grid(one: Proposal) -> BaseSampler:
    """The next point of the grid: as many were taken as trials before this one were proposed and not stated."""
    taken = sum(trial.user_attrs.get("origin", SAMPLER) == SAMPLER for trial in one.before())
    return PointSampler(grid.point(one.search, taken % grid.size(one.search)))


SAMPLERS: Mapping[str, Callable[[Proposal], BaseSampler]] = {
    "cei": _of_the_cube(cei.propose),
    "gp": _of_the_cube(optuna_samplers.gp),
    "tpe": lambda one: tpe(one.own_seed, one.earlier),
    "cmaes": _of_the_cube(optuna_samplers.cmaes),
    "nsgaii": _of_the_cube(optuna_samplers.nsgaii),
    "random": lambda one: NamedRandomSampler(one.own_seed),
    "qmc": _qmc,
    "grid": _grid,
}


def sampler(kind: str, proposal: Proposal) -> BaseSampler:
    """The sampler of one proposal."""
    return SAMPLERS[kind](proposal)
