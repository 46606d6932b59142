"""Optuna's Gaussian process, CMA-ES and NSGA-II over the cube of a search.

Each proposal is made by a sampler that has seen nothing but the known trials, in a study in memory that holds nothing
else: whatever Optuna writes beside trials (generations, a strategy's state) is made again for every proposal and never
enters the ledger, so that a restart proposes what would have been proposed without it.
"""

import warnings
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, CmaEsSampler, GPSampler, NSGAIISampler
from optuna.samplers.nsgaii import PolynomialMutation, SBXCrossover
from optuna.trial import FrozenTrial, TrialState, create_trial

from uncollapse.study.stages.sampling.cei import sobol_point
from uncollapse.study.stages.sampling.cube import Cube
from uncollapse.study.stages.sampling.flat_space import Ended, FlatSpace, ended, scattered
from uncollapse.study.stages.sampling.known_trials import Known

Array = npt.NDArray[np.float64]
STARTUP = 8  # space-filling trials before the Gaussian process models anything
POPULATION = 10  # trials of a generation of NSGA-II; the first one fills the space
ASKED = 5  # times for something that was not tried yet; then a Sobol point is taken
SAME = 1e-9  # distance within which a proposal is what was tried
SPARE = "spare"  # a side of no meaning: CMA-ES needs two


def gp(cube: Cube, known: Known, number: int, family_seed: int, seed: int) -> Array:
    """Optuna's Gaussian process: log expected improvement, or hypervolume, times the probability of every limit.

    Args:
        cube: of the family's space.
        known: what was tried of it; what runs is passed as running.
        number: of the trial; while little is known, the number-th point of a Sobol sequence is taken.
        family_seed: the same for every trial of a family.
        seed: of this trial.
    """
    if _finite(known) < STARTUP:
        return sobol_point(cube, number, family_seed)
    space, found = FlatSpace(cube, orderless=True), ended(known)
    by = GPSampler(seed=seed, n_startup_trials=1, warn_independent_sampling=False)
    study = _study(by, found)
    study.add_trials([*_complete(space, cube, found), *_running(space, cube, known)])
    proposed = _fresh(study, space, cube, known)
    return sobol_point(cube, number, family_seed) if proposed is None else proposed


def nsgaii(cube: Cube, known: Known, number: int, family_seed: int, seed: int) -> Array:
    """NSGA-II (Deb et al. 2002): the best trials are crossed and mutated; arguments as of `gp`."""
    if _finite(known) < POPULATION:
        return sobol_point(cube, number, family_seed)
    space, found = FlatSpace(cube, orderless=True), ended(known)
    points = scattered(cube, found.points, family_seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)  # of the operators that the paper has
        by = NSGAIISampler(
            seed=seed, population_size=POPULATION, crossover=SBXCrossover(), mutation=PolynomialMutation()
        )
    study = _study(by, found)
    _replay(study, space, found._replace(points=points))
    proposed = _fresh(study, space, cube, known)
    return sobol_point(cube, number, family_seed) if proposed is None else proposed


def cmaes(cube: Cube, known: Known, number: int, family_seed: int, seed: int) -> Array:
    """CMA-ES (Hansen & Ostermeier 2001) over the whole cube, choices as intervals; arguments as of `gp`.

    It knows no limits: what breaks one counts as worse than all that keep them, by how much it breaks them.
    """
    if not _finite(known):
        return sobol_point(cube, number, family_seed)
    space, found = FlatSpace(cube, orderless=False), ended(known)
    if cube.size == 1:
        space.distributions[SPARE] = optuna.distributions.FloatDistribution(0.0, 1.0)
    alone = Ended(scattered(cube, found.points, family_seed), _penalised(found)[:, None], found.excesses[:, :0])
    by = CmaEsSampler(seed=seed, warn_independent_sampling=False)
    study = _study(by, alone)
    _replay(study, space, alone)
    proposed = _fresh(study, space, cube, known)
    return sobol_point(cube, number, family_seed) if proposed is None else proposed


def _finite(known: Known) -> int:
    return int(np.isfinite(known.values[:, 0]).sum())


def _study(by: BaseSampler, found: Ended) -> optuna.Study:
    return optuna.create_study(sampler=by, directions=["minimize"] * found.values.shape[1])


def _complete(space: FlatSpace, cube: Cube, found: Ended) -> Iterator[FrozenTrial]:
    points = cube.settled(found.points)
    for point, values, excesses in zip(points, found.values, found.excesses, strict=True):
        trial = create_trial(params=space.params(point), distributions=space.distributions, values=values.tolist())
        for at, excess in enumerate(excesses):
            trial.set_constraint(str(at), float(excess))
        yield trial


def _running(space: FlatSpace, cube: Cube, known: Known) -> Iterator[FrozenTrial]:
    runs = ~np.isfinite(known.values[:, 0]) & ~known.lost
    for point in cube.settled(known.points[runs]):
        yield create_trial(state=TrialState.RUNNING, params=space.params(point), distributions=space.distributions)


def _replay(study: optuna.Study, space: FlatSpace, found: Ended) -> None:
    """Tell a sampler the trials one by one, as if it had proposed them, so that it counts its generations."""
    spare = {SPARE: 0.5} if SPARE in space.distributions else {}
    for point, values, excesses in zip(found.points, found.values, found.excesses, strict=True):
        study.enqueue_trial(space.params(point) | spare)
        trial = study.ask(space.distributions)
        _ = trial.relative_params  # drawn when asked for, and only then the sampler counts the trial
        for at, excess in enumerate(excesses):
            trial.set_constraint(str(at), float(excess))
        study.tell(trial, values.tolist())


def _penalised(found: Ended) -> Array:
    """The one objective, above the worst of those that keep every limit where one is broken."""
    values, broken = found.values[:, 0], np.maximum(found.excesses, 0.0).sum(1)
    kept = values[broken == 0]
    worst = kept.max() if len(kept) else 0.0
    return np.where(broken > 0, worst + 1.0 + broken, values)


def _fresh(study: optuna.Study, space: FlatSpace, cube: Cube, known: Known) -> Array | None:
    """What the sampler proposes that was neither tried nor runs; None where it goes on proposing what was."""
    tried = cube.settled(known.points)
    for _ in range(ASKED):
        point = space.point(study.ask(space.distributions).params)
        recorded = cube.settled(cube.point(cube.params(point))[None])
        if np.abs(tried - recorded).max(1).min() > SAME:
            return point
    return None
