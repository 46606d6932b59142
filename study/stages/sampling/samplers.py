"""The samplers that a page can ask for, by name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial

from uncollapse.study.stages.sampling import cei
from uncollapse.study.stages.sampling.cube import Cube
from uncollapse.study.stages.sampling.known_trials import known
from uncollapse.study.stages.sampling.point import PointSampler
from uncollapse.study.stages.sampling.random_draws import NamedRandomSampler
from uncollapse.study.stages.sampling.tpe import tpe
from uncollapse.study.storage.fingerprints import digest


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

    @property
    def own_seed(self) -> int:
        """Of study, family and trial, so that a restart repeats the proposal."""
        return int(digest(self.seed, self.family, self.number), 16) % 2**32

    @property
    def family_seed(self) -> int:
        """Of study and family, the same for every trial."""
        return int(digest(self.seed, self.family), 16) % 2**32


def _cei(one: Proposal) -> BaseSampler:
    cube = Cube(one.search)
    signs = [-1.0 if way == optuna.study.StudyDirection.MAXIMIZE else 1.0 for way in one.past.directions]
    past = [trial for trial in one.past.get_trials(deepcopy=False) if trial.number < one.number]
    tried = known(cube, [*one.earlier, *past], signs)
    return PointSampler(cube.values(cei.propose(cube, tried, one.number, one.family_seed, one.own_seed)))


def _qmc(one: Proposal) -> BaseSampler:
    cube = Cube(one.search)
    return PointSampler(cube.values(cei.sobol_point(cube, one.number, one.family_seed)))


SAMPLERS: Mapping[str, Callable[[Proposal], BaseSampler]] = {
    "cei": _cei,
    "tpe": lambda one: tpe(one.own_seed, one.earlier),
    "random": lambda one: NamedRandomSampler(one.own_seed),
    "qmc": _qmc,
}


def sampler(kind: str, proposal: Proposal) -> BaseSampler:
    """The sampler of one proposal."""
    return SAMPLERS[kind](proposal)
