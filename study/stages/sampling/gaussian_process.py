"""A small Gaussian process: Matern 5/2 with a length a feature (Rasmussen & Williams 2006, eq. 4.17), in numpy."""

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_solve, solve_triangular
from scipy.optimize import minimize

Array = npt.NDArray[np.float64]
# Means and spreads of the normal priors of the logarithms: of lengths, in sides of the cube; of the signal's and the
# noise's standard deviation, in those of the data.
LENGTH, SIGNAL, NOISE = (-0.4, 0.7), (0.0, 0.5), (-1.5, 0.7)
STEPS = 30  # of the optimiser: the prior holds what is not reached within them
JITTER = 1e-6


class GaussianProcess:
    """The posterior over a function, its hyperparameters at the maximum of their posterior.

    Args:
        features: (n, d).
        values: (n,), finite.
    """

    def __init__(self, features: Array, values: Array) -> None:
        self.features = features
        self.mean, self.scale = float(values.mean()), max(float(values.std()), 1e-9)
        self.standard = (values - self.mean) / self.scale
        apart = (features[:, None, :] - features[None, :, :]) ** 2
        start = np.array([*[LENGTH[0]] * features.shape[1], SIGNAL[0], NOISE[0]])
        found = minimize(self.loss, start, args=(apart,), jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
        self.weights, self.signal, self.noise = _natural(found.x)
        self.root = _root(self.signal * _matern(apart @ self.weights)[0], self.noise)
        self.solved = cho_solve((self.root, True), self.standard)

    def predict(self, features: Array) -> tuple[Array, Array]:
        """Mean and standard deviation of the function, without noise, at (m, d) features."""
        scaled, known = features * np.sqrt(self.weights), self.features * np.sqrt(self.weights)
        apart = (scaled**2).sum(1)[:, None] + (known**2).sum(1)[None, :] - 2 * scaled @ known.T
        covariance = self.signal * _matern(np.maximum(apart, 0.0))[0]
        explained = solve_triangular(self.root, covariance.T, lower=True)
        spread = np.sqrt(np.maximum(self.signal - (explained**2).sum(0), 1e-9))
        return self.mean + self.scale * (covariance @ self.solved), self.scale * spread

    def loss(self, logarithms: Array, apart: Array) -> tuple[float, Array]:
        """Minus the log posterior of the hyperparameters, and its gradient."""
        weights, signal, noise = _natural(logarithms)
        correlation, slope = _matern(apart @ weights)
        root = _root(signal * correlation, noise)
        solved = cho_solve((root, True), self.standard)
        inverse = cho_solve((root, True), np.eye(len(root)))
        pull = 0.5 * (inverse - np.outer(solved, solved))  # of the loss by the covariance
        lengths = np.tensordot(pull * slope * signal, apart, axes=2) * -2 * weights
        gradient = np.array([*lengths, 2 * signal * (pull * correlation).sum(), 2 * noise * np.trace(pull)])
        loss = 0.5 * self.standard @ solved + np.log(np.diag(root)).sum()
        centres = np.array([*[LENGTH[0]] * apart.shape[2], SIGNAL[0], NOISE[0]])
        spreads = np.array([*[LENGTH[1]] * apart.shape[2], SIGNAL[1], NOISE[1]])
        off = (logarithms - centres) / spreads
        return float(loss + 0.5 * off @ off), gradient + off / spreads


def _natural(logarithms: Array) -> tuple[Array, float, float]:
    """Inverse squared lengths, and the variances of signal and noise."""
    held = np.clip(logarithms, -6.0, 6.0)
    return np.exp(-2 * held[:-2]), float(np.exp(2 * held[-2])), float(np.exp(2 * held[-1]))


def _matern(squared: Array) -> tuple[Array, Array]:
    """The correlation at squared scaled distances, and its derivative by them."""
    root = np.sqrt(5 * squared + 1e-12)
    decay = np.exp(-root)
    return (1 + root + root**2 / 3) * decay, -5 / 6 * (1 + root) * decay


def _root(covariance: Array, noise: float) -> Array:
    """The Cholesky factor with the noise added."""
    return np.asarray(np.linalg.cholesky(covariance + (noise + JITTER) * np.eye(len(covariance))))
