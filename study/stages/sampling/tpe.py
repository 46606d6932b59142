"""Optuna's tree-structured Parzen estimator (Bergstra et al. 2011), conditional hyperparameters in groups."""

import warnings
from collections.abc import Sequence
from functools import partial
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import TPESampler
from optuna.trial import FrozenTrial

STARTUP = 8  # trials at random before it models


def tpe(seed: int, earlier: Sequence[FrozenTrial]) -> TPESampler:
    """The sampler of one proposal; `earlier` are observations that it takes for trials before the study's own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)  # conditional hyperparameters want `group`
        kind = partial(RememberingSampler, earlier) if earlier else TPESampler
        return kind(seed=seed, multivariate=True, group=True, n_startup_trials=STARTUP)


class RememberingSampler(TPESampler):
    """TPE over a study's trials with observations before them, which the study itself never holds."""

    def __init__(self, earlier: Sequence[FrozenTrial], **options: Any) -> None:
        super().__init__(**options)
        self.earlier = earlier

    def _remembered(self, study: optuna.Study, trial: FrozenTrial) -> tuple[optuna.Study, FrozenTrial]:
        whole = optuna.create_study(directions=study.directions)
        whole.add_trials([*self.earlier, *study.get_trials(deepcopy=False)])
        return whole, whole.get_trials(deepcopy=False)[len(self.earlier) + trial.number]

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return super().infer_relative_search_space(*self._remembered(study, trial))

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return super().sample_relative(*self._remembered(study, trial), search_space)

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        return super().sample_independent(*self._remembered(study, trial), param_name, param_distribution)
