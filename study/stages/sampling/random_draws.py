"""Uniform draws."""

from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import RandomSampler
from optuna.trial import FrozenTrial

from uncollapse.study.storage.fingerprints import digest


class NamedRandomSampler(RandomSampler):
    """Uniform draws seeded by the hyperparameter's name, so that a proposal cut off in the middle is finished as it
    was begun."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed=seed)
        self.seed = seed

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        own = RandomSampler(seed=int(digest(self.seed, param_name), 16) % 2**32)
        return own.sample_independent(study, trial, param_name, param_distribution)
