"""What a stage is, how its trials are named, and which seeds they get. Knows no ray."""

from collections.abc import Mapping
from typing import Any, Protocol

from uncollapse.study.config.study_page import Study
from uncollapse.study.storage.fingerprints import configuration_id, digest, fingerprint
from uncollapse.study.storage.recorder import Recorder
from uncollapse.study.training.stopping import Stopping
from uncollapse.study.trial_record import TrialRecord

TUNING_SEEDS = 2**30  # confirmation seeds lie below, tuning seeds from here on: no seed is both


class Stage(Protocol):
    """What a Tune run asks of a stage."""

    name: str
    recorder: Recorder

    def planned(self) -> dict[str, int]:
        """Trials of each family; fewer than the page asks for where too few of the search finished."""

    def left(self) -> bool:
        """Whether any trial is still to be trained."""

    def next_trial(self) -> TrialRecord | None:
        """The next trial to train, started in the ledger; None when nothing is left."""

    def stops(self, record: TrialRecord) -> bool:
        """Whether to stop a trial after the epoch it has just reported, by what it measured."""

    def out_of_time(self, record: TrialRecord) -> bool:
        """Whether to stop it there because the stage's time is over."""


def identify(study: Study, corpus: str, family: str, configuration: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """Attributes that name a trial; two families that resolve to one configuration have a trial each."""
    length = [study.train.epochs, study.train.batch_size, study.train.precision, vars(study.evaluate)]
    length += [stopping] if (stopping := Stopping.of(vars(study.train), vars(study.search)).decides()) else []
    key = digest(family, configuration, seed, corpus, length, fingerprint(configuration))
    named = {"key": key, "configuration_id": configuration_id(configuration), "seed": seed}
    return {**named, "configuration": configuration}


def tuning_seed(study: Study, number: int) -> int:
    return TUNING_SEEDS + study.seed * 1000 + number


def confirmation_seeds(study: Study) -> list[int]:
    """The same for every configuration, so that comparisons are paired."""
    return [study.seed * 1000 + number for number in range(1, study.replicate.seeds + 1)]
