"""Stands in for the package `cmaes` where that is not installed: what Optuna's `CmaEsSampler` asks of it, and no more.

A (mu, lambda) evolution strategy whose mean and covariance follow the better half of each generation.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


class CMA:
    """Asked for points, told their values a whole generation at a time."""

    def __init__(
        self,
        mean: Array,
        sigma: float,
        bounds: Array,
        seed: int,
        n_max_resampling: int,
        population_size: int | None,
        **rest: Any,
    ) -> None:
        self.dim, self.generation, self.mean, self._bounds = len(mean), 0, mean, bounds
        self.covariance = sigma**2 * np.eye(self.dim)
        self.population_size = population_size or 4 + int(3 * np.log(self.dim))
        self.resampling = n_max_resampling
        self._rng = np.random.RandomState(seed)

    def ask(self) -> Array:
        for _ in range(self.resampling):
            point = self._rng.multivariate_normal(self.mean, self.covariance)
            if np.all((point >= self._bounds[:, 0]) & (point <= self._bounds[:, 1])):
                return point
        return np.clip(point, self._bounds[:, 0], self._bounds[:, 1])

    def tell(self, solutions: Sequence[tuple[Array, float]]) -> None:
        assert len(solutions) == self.population_size
        best = sorted(solutions, key=lambda pair: pair[1])[: self.population_size // 2]
        steps = np.array([point for point, _ in best]) - self.mean
        self.covariance = 0.6 * self.covariance + 0.4 * (steps.T @ steps) / len(steps)
        self.mean, self.generation = self.mean + steps.mean(0), self.generation + 1


class SepCMA(CMA): ...


class CMAwM(CMA): ...
