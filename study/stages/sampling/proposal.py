"""From a page's search space to Optuna's proposals, and from what another study drew back into this one's space."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.trial import FrozenTrial, create_trial

from uncollapse.search_spaces import space
from uncollapse.search_spaces.space import Choice, Distribution
from uncollapse.study.config.families import Family
from uncollapse.study.storage.fingerprints import configuration_id
from uncollapse.study.trial_record import TrialRecord


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
