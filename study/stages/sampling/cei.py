"""Constrained expected improvement (Gardner et al. 2014): the expected gain in the bound, times the probability that
every limit is kept, under Gaussian processes of bound and limits.

By the bound alone a search walks into posterior collapse, where the best bounds of small models lie. A limit says how
far a code is from being used, also where it is not: its model learns where collapse begins from every trial, dead ones
included. It expects, before it has seen any, that a code is the less used the higher the weights of its KL terms.
"""

import numpy as np
import numpy.typing as npt
from scipy.special import log_ndtr, ndtr
from scipy.stats import norm, qmc, rankdata

from uncollapse.study.stages.sampling.cube import Cube
from uncollapse.study.stages.sampling.gaussian_process import GaussianProcess
from uncollapse.study.stages.sampling.kl_weights import log_kl_weights
from uncollapse.study.stages.sampling.known_trials import Known

Array = npt.NDArray[np.float64]
STARTUP = 4  # space-filling trials before anything is modelled; the page's own and started points count
SPREAD, AROUND, PARENTS = 1024, 96, 4  # candidates over the cube, and around each of the best trials
STEP = 0.1  # of a side, of a candidate around a trial
FEWEST = 2  # trials that a model needs
# By how much the logarithm of a code's use is expected to fall with that of a KL weight. Of 240 searches of SeqVAE by 8
# and by 16 trials 43 and 66 % met a configuration that lives on all seeds without it, 59 and 79 % with it, 57 and 78 %
# with twice as much (tests/benchmarks/searches/candidates.py).
STEEPNESS = 0.5
CLOSE = 1e-4  # squared distance within which a candidate is what has been tried


def propose(cube: Cube, known: Known, number: int, sobol_seed: int, seed: int) -> Array:
    """The next point of the cube.

    Args:
        cube: of the family's space.
        known: what was tried of it.
        number: of the trial; while there are few, the number-th point of a Sobol sequence is taken.
        sobol_seed: of that sequence, the same for every trial of a family.
        seed: of this trial's candidates.
    """
    if (np.isfinite(known.values[:, 0])).sum() < STARTUP:
        return sobol_point(cube, number, sobol_seed)
    generator = np.random.default_rng(seed)
    values = _one_objective(_filled(known), generator)
    slack = _slack(known)
    candidates = cube.settled(_candidates(known.points, values, slack, generator))
    tried, offered = cube.features(cube.settled(known.points)), cube.features(candidates)
    usual = [-STEEPNESS * known.of_use * log_kl_weights(cube, points) for points in (known.points, candidates)]
    score = _log_gain(tried, values, slack, offered) + _log_kept(tried, slack, offered, *usual)
    apart = ((offered[:, None, :] - tried[None, :, :]) ** 2).sum(2).min(1)
    return np.asarray(candidates[np.argmax(np.where(apart < CLOSE, -np.inf, score))])


def sobol_point(cube: Cube, number: int, seed: int) -> Array:
    """The number-th point of a scrambled Sobol sequence (Owen 1998)."""
    sequence = qmc.Sobol(cube.size, scramble=True, seed=seed)
    if number:
        sequence.fast_forward(number)
    return np.asarray(sequence.random(1)[0])


def _filled(known: Known) -> Array:
    """Values of all trials: one that was lost counts as the worst, one that runs as the middle one."""
    finite = known.values[np.isfinite(known.values[:, 0])]
    rest = np.where(known.lost[:, None], finite.max(0), np.median(finite, axis=0))
    return np.where(np.isfinite(known.values), known.values, rest)


def _one_objective(values: Array, generator: np.random.Generator) -> Array:
    """Ranks of the bound as normal scores; of several objectives a random weighting of theirs (Knowles 2006)."""
    scores = np.stack([_normal_scores(column) for column in values.T], axis=1)
    if scores.shape[1] == 1:
        return np.asarray(scores[:, 0])
    weighted = scores * generator.dirichlet(np.ones(scores.shape[1]))
    return _normal_scores(weighted.max(1) + 0.05 * weighted.sum(1))


def _normal_scores(values: Array) -> Array:
    return np.asarray(norm.ppf((rankdata(values) - 0.5) / len(values)))


def _slack(known: Known) -> Array:
    """By how much every limit is kept; by a lost trial as by the worst that is known."""
    slack = known.slacks
    if not slack.shape[1] or not np.isfinite(slack).all(1).any():
        return slack
    worst = np.nanmin(slack, axis=0)
    return np.where(known.lost[:, None] & ~np.isfinite(slack), worst, slack)


def _candidates(points: Array, values: Array, slack: Array, generator: np.random.Generator) -> Array:
    """Points over the cube, and near those trials that stand best: some moved a little, some anew on one side."""
    sides = points.shape[1]
    unknown = np.where(np.isfinite(slack), slack, -np.inf)
    broken = np.maximum(-unknown, 0.0).sum(1)
    found = [generator.random((SPREAD, sides))]
    for parent in points[np.lexsort((values, broken))[:PARENTS]]:
        found.append(np.clip(parent + generator.normal(0.0, STEP, (AROUND, sides)), 0.0, 1.0))
        anew = np.tile(parent, (AROUND, 1))
        anew[np.arange(AROUND), generator.integers(0, sides, AROUND)] = generator.random(AROUND)
        found.append(anew)
    return np.concatenate(found)


def _log_gain(tried: Array, values: Array, slack: Array, offered: Array) -> Array:
    """The logarithm of the expected improvement over the best mean among trials that keep the limits; 0 before one
    does, so that the search then looks for one that does and for nothing else."""
    able = (slack >= 0).all(1)
    if not able.any():
        return np.zeros(len(offered))
    model = GaussianProcess(tried, values)
    best = model.predict(tried[able])[0].min()
    mean, spread = model.predict(offered)
    return log_expected_improvement((best - mean) / spread) + np.log(spread)


def log_expected_improvement(lead: Array) -> Array:
    """log(lead Phi(lead) + phi(lead)); far below 0 by its asymptote, where the difference would round to 0."""
    near = np.maximum(lead, -6.0)
    exact = np.log(near * ndtr(near) + np.exp(-0.5 * near**2) / np.sqrt(2 * np.pi))
    far = -0.5 * lead**2 - np.log(np.maximum(lead**2, 1.0)) - 0.5 * np.log(2 * np.pi)
    return np.where(lead < -6.0, far, exact)


def _log_kept(tried: Array, slack: Array, offered: Array, usual_tried: Array, usual_offered: Array) -> Array:
    """The logarithm of the probability that the limit which is nearest to being broken is kept, by the trials of which
    that is known; 0 where there is no limit, or too little is known. Modelled is how far it is from what is usual."""
    known = np.isfinite(slack).all(1)
    if not slack.shape[1] or known.sum() < FEWEST:
        return np.zeros(len(offered))
    mean, spread = GaussianProcess(tried[known], slack[known].min(1) - usual_tried[known]).predict(offered)
    return np.asarray(log_ndtr((mean + usual_offered) / spread))
