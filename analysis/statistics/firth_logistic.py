"""Logistic regression that stays finite when one side of a hyperparameter collapses always.

Shapes: N trials, P coefficients.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from uncollapse.analysis.statistics.intervals import LEVEL

Array = npt.NDArray[np.float64]
SURE = 1e-12
_STEPS, _LONGEST_STEP, _TOLERANCE = 100, 5.0, 1e-8


class Fit(NamedTuple):
    """Coefficients of a logistic regression, their covariance, the degrees of freedom left, and the mean outcome."""

    coefficients: Array
    covariance: Array
    freedom: int
    share: float


class Curve(NamedTuple):
    """A fitted probability with the lower and upper end of its band."""

    probability: Array
    low: Array
    high: Array


def firth(design: Array, outcome: Array) -> Fit:
    """Logistic regression with Jeffreys' prior on the coefficients (Firth 1993, Biometrika 80).

    Maximises log L + 1/2 log det I, I = X' W X, by Newton steps whose information counts every trial 1 + h times, h its
    leverage. Finite under separation (Heinze & Schemper 2002). The covariance is the inverse of I at the maximum.
    Raises ValueError where the columns of the design depend on each other.
    """
    columns = design.shape[1]
    if np.linalg.matrix_rank(design) < columns:
        raise ValueError(f"A fit of {columns} coefficients needs as many independent columns; drop the dependent ones.")
    weights = np.zeros(columns)
    value = _penalised(design, outcome, weights)
    for _ in range(_STEPS):
        step = _newton(design, outcome, weights)
        step *= min(1.0, _LONGEST_STEP / max(float(np.abs(step).max()), SURE))
        raised = _penalised(design, outcome, weights + step)
        while raised < value - SURE * abs(value) and np.abs(step).max() > _TOLERANCE:
            step /= 2
            raised = _penalised(design, outcome, weights + step)
        weights, value = weights + step, raised
        if np.abs(step).max() <= _TOLERANCE:
            break
    freedom = max(len(design) - columns, 1)
    covariance = np.asarray(np.linalg.inv(_information(design, weights)), dtype=float)
    return Fit(weights, covariance, freedom, float(outcome.mean()))


def _information(design: Array, weights: Array) -> Array:
    share = special.expit(design @ weights)
    return np.asarray(design.T @ ((share * (1 - share))[:, None] * design), dtype=float)


def _penalised(design: Array, outcome: Array, weights: Array) -> float:
    logit = design @ weights
    likelihood = float((outcome * logit - np.logaddexp(0, logit)).sum())
    return likelihood + 0.5 * float(np.linalg.slogdet(_information(design, weights))[1])


def _newton(design: Array, outcome: Array, weights: Array) -> Array:
    share = special.expit(design @ weights)
    variance = share * (1 - share)
    inverse = np.linalg.inv(_information(design, weights))
    leverage = variance * ((design @ inverse) * design).sum(axis=1)
    score = design.T @ (outcome - share + leverage * (0.5 - share))
    augmented = design.T @ ((variance * (1 + leverage))[:, None] * design)
    return np.asarray(np.linalg.solve(augmented, score), dtype=float)


def band(fit: Fit, design: Array, level: float = LEVEL) -> Curve:
    """The fitted probability at every row of a design, with a pointwise band.

    Laplace's approximation on the logit scale, eta +- t sd(eta), with Student's t at the degrees of freedom left.
    The band reaches 0 where no trial of the fit collapsed, and 1 where every trial did.
    """
    logit = design @ fit.coefficients
    half = stats.t.ppf(0.5 + level / 2, fit.freedom) * np.sqrt(((design @ fit.covariance) * design).sum(axis=1))
    low = special.expit(logit - half) if fit.share > 0 else np.zeros(len(logit))
    high = special.expit(logit + half) if fit.share < 1 else np.ones(len(logit))
    return Curve(np.asarray(special.expit(logit)), np.asarray(low), np.asarray(high))
