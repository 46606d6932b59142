"""From a page's search space to Optuna's proposals."""

import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, create_trial

from uncollapse.search_spaces import space
from uncollapse.search_spaces.space import Choice, Distribution
from uncollapse.study.config.families import Family
from uncollapse.study.storage.fingerprints import configuration_id, digest
from uncollapse.study.trial_record import TrialRecord


def sampler(kind: str, seed: int, family: str, number: int, earlier: Sequence[FrozenTrial] = ()) -> BaseSampler:
    """A sampler for one proposal: seeded by study, family and trial, so that a restart repeats it.

    Args:
        earlier: observations that a TPE takes for trials before the study's own.
    """
    own = int(digest(seed, family, number), 16) % 2**32
    if kind == "random":
        return NamedRandomSampler(own)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)  # conditional hyperparameters want `group`
        kind_of = partial(RememberingSampler, earlier) if earlier else TPESampler
        return kind_of(seed=own, multivariate=True, group=True, n_startup_trials=8)


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


def propose(trial: optuna.Trial | optuna.trial.FixedTrial, search: Mapping[str, Any]) -> dict[str, Any]:
    """What a trial draws of its configuration.

    Run again over a trial that was cut off in mid-proposal, it keeps what was drawn.
    """

    def ask(name: str, leaf: Distribution) -> Any:
        if isinstance(leaf, Choice):
            return leaf.names[trial.suggest_categorical(name, list(leaf.names))]
        if leaf.whole:
            return trial.suggest_int(name, int(leaf.low), int(leaf.high), log=leaf.log)
        return trial.suggest_float(name, leaf.low, leaf.high, log=leaf.log)

    return space.draw(search, ask)


def observation(
    family: Family, record: TrialRecord, values: Sequence[float], excesses: Mapping[str, float]
) -> FrozenTrial | None:
    """A trial of another study as this family's space could have drawn it; None if it could not.

    Args:
        record: its hyperparameters have to resolve here to the configuration to which they resolved there.
        values: of this study's objectives.
        excesses: by how much it breaks each of this study's limits.
    """
    params = dict(record.params)
    drawn = optuna.trial.FixedTrial(params)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of a value outside its range, which is refused below
            proposed = propose(drawn, family.search)
        found = create_trial(params=params, distributions=drawn.distributions, values=values)
    except ValueError:  # a hyperparameter that was not drawn there, was and is not here, or lies outside its range
        return None
    if configuration_id(family.configure(proposed)) != record.configuration_id:
        return None
    for name, excess in excesses.items():
        found.set_constraint(name, excess)
    return found
