"""From a page's search space to Optuna's proposals."""

import warnings
from collections.abc import Mapping
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial

from search_spaces import space
from search_spaces.space import Choice, Distribution
from study.identity import digest


def sampler(kind: str, seed: int, family: str, number: int) -> BaseSampler:
    """A sampler for one proposal: seeded by study, family and trial, so that a restart repeats it."""
    own = int(digest(seed, family, number), 16) % 2**32
    if kind == "random":
        return NamedRandomSampler(own)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)  # conditional knobs want `group`
        return TPESampler(seed=own, multivariate=True, group=True, n_startup_trials=8)


class NamedRandomSampler(RandomSampler):
    """Uniform draws seeded by the knob's name, so that a proposal cut off in the middle is finished as it was begun."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed=seed)
        self.seed = seed

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        own = RandomSampler(seed=int(digest(self.seed, param_name), 16) % 2**32)
        return own.sample_independent(study, trial, param_name, param_distribution)


def propose(trial: optuna.Trial, search: Mapping[str, Any]) -> dict[str, Any]:
    """Settings for a trial. Run again over a trial that was cut off in mid-proposal, it keeps what was drawn."""

    def ask(name: str, leaf: Distribution) -> Any:
        if isinstance(leaf, Choice):
            return leaf.names[trial.suggest_categorical(name, list(leaf.names))]
        if leaf.whole:
            return trial.suggest_int(name, int(leaf.low), int(leaf.high), log=leaf.log)
        return trial.suggest_float(name, leaf.low, leaf.high, log=leaf.log)

    return space.draw(search, ask)
