"""The ledger: one append-only Optuna journal, the truth about a study.

Every family has one Optuna study a stage. What Optuna has no place for (epochs, figures, causes) stands in the trials'
user attributes. A Tune run over it is disposable: whatever dies, the ledger says what is finished and what is not.
"""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import BaseJournalBackend
from optuna.trial import FrozenTrial, TrialState

from uncollapse.analysis.schema import DIVERGED, DROPPED, FAILED, FINISHED, STOPPED
from uncollapse.study.config.objectives import Direction
from uncollapse.study.errors import UserError
from uncollapse.study.storage.compact_rows import Shared
from uncollapse.study.storage.damage import Damage
from uncollapse.study.storage.digest.attributes import epoch_name, place_of, record_from, state_of
from uncollapse.study.storage.journal import Damaged, Journal
from uncollapse.study.trial_record import TrialRecord

TOLD = {
    FINISHED: TrialState.COMPLETE,
    STOPPED: TrialState.PRUNED,
    DIVERGED: TrialState.FAIL,
    FAILED: TrialState.FAIL,
    DROPPED: TrialState.FAIL,  # a sampler learns nothing from it
}


@dataclass(frozen=True)
class Left:
    """What a finished trial leaves.

    Args:
        final: measures on the validation sentences that report.
        artifacts: small texts by file name.
        kept_epoch: whose weights were measured, 0 for the last one.
    """

    final: Mapping[str, float] = field(default_factory=dict)
    artifacts: Mapping[str, str] = field(default_factory=dict)
    kept_epoch: int = 0


class Backend(Journal, BaseJournalBackend):
    """The journal as Optuna asks for it. The owner's lock, held for the whole run, keeps other writers out."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.shared = Shared()

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        return map(self.shared.lean, super().read_logs(log_number_from))


class Ledger:
    """A study's journal.

    Args:
        folder: of the study; holds `ledger.journal`.
        study: the study's name.
        write: cut a torn last line, which a kill in mid-write leaves, before anything is appended; set damaged lines
            aside, with what hangs on them; seal lines that have no seal.

    Attributes:
        damage: what to say of its damaged lines, None where there are none. What hangs on them is not there: a trial is
            as when it was planned, or empty.

    Raises:
        UserError: it is damaged, and it cannot be told what hangs on that.
    """

    def __init__(self, folder: Path, study: str, write: bool = False) -> None:
        self.path, self.name, self._guard = folder / "ledger.journal", study, threading.RLock()
        self.journal = Backend(self.path.resolve())
        if write:
            folder.mkdir(parents=True, exist_ok=True)
            self.journal.cut_torn_line()
        self.damage: Damage | None = None
        self.storage = self._read()
        if write and (self.damage or self.journal.sealed is False):
            self._write_anew()
        self._studies: dict[tuple[str, str], optuna.Study] = {}

    def _read(self) -> JournalStorage:
        try:
            return self._replayed()
        except Damaged:
            self.damage = Damage(self.path, *self.journal.salvage())
            return self._replayed()

    def _replayed(self) -> JournalStorage:
        try:
            return JournalStorage(self.journal)
        except (UserError, OSError):
            raise
        except Exception:  # whatever Optuna makes of a line that is JSON and no entry
            raise self.journal.damaged() from None

    def _write_anew(self) -> None:
        """A ledger without what is damaged, in which every line has a seal."""
        if self.damage is None:
            self.journal.seal_all()
        else:
            self.damage = replace(self.damage, aside=self.journal.set_aside())
        self.storage = self._replayed()

    def families(self) -> list[tuple[str, str]]:
        """The (stage, family) pairs that there are."""
        pairs = (place_of(self.name, found.study_name) for found in self.storage.get_all_studies())
        return sorted(pair for pair in pairs if pair is not None)

    def study(self, stage: str, family: str, directions: Sequence[Direction] = ("minimize",)) -> optuna.Study:
        """The Optuna study of a family and stage, made under these directions when it is first asked for."""
        if (stage, family) not in self._studies:
            name = f"{self.name}.{stage}.{family}"
            if (stage, family) not in self.families():  # asked first, since `load_if_exists` appends a line
                optuna.create_study(study_name=name, storage=self.storage, directions=directions)
            self._studies[stage, family] = optuna.load_study(study_name=name, storage=self.storage)
        return self._studies[stage, family]

    def trials(self, stage: str, family: str) -> list[FrozenTrial]:
        """Every trial of a family and stage, by number; not to be changed."""
        if (stage, family) not in self._studies and (stage, family) not in self.families():
            return []
        return self.storage.get_all_trials(self.study(stage, family)._study_id, deepcopy=False)

    def record(self, trial_id: int) -> TrialRecord:
        return record_of(self.storage.get_trial(trial_id))

    def describe(self, trial_id: int, attributes: Mapping[str, Any]) -> None:
        """Write attributes of a trial, one line each."""
        with self.journal.together():
            for name, value in attributes.items():
                self.storage.set_trial_user_attr(trial_id, name, value)

    def start(self, trial_id: int) -> None:
        """Mark a planned trial as running."""
        with self._guard:
            if self.storage.get_trial(trial_id).state == TrialState.WAITING:
                self.storage.set_trial_state_values(trial_id, TrialState.RUNNING)

    def epoch(self, trial_id: int, record: Mapping[str, float], value: float | None) -> None:
        """Append the record of an epoch and the value that the sampler sees."""
        number = int(record["epoch"])
        with self.journal.together():
            self.describe(trial_id, {epoch_name(number): {**record, "time": time.time()}})
            if value is not None:
                self.storage.set_trial_intermediate_value(trial_id, number, value)

    def limit(self, trial_id: int, excesses: Mapping[str, float]) -> None:
        """Write by how much a trial breaks each limit, where Optuna's samplers look for it (`Trial.set_constraint`)."""
        with self.journal.together():
            for name, value in excesses.items():
                self.storage.set_trial_system_attr(trial_id, f"constraints:{name}", value)

    def end(self, trial_id: int, state: str, cause: str, left: Left, values: Sequence[float] | None) -> None:
        """Append how a trial ended, then tell Optuna: what is written after that could be lost."""
        ending = {"final": dict(left.final), "artifacts": dict(left.artifacts), "cause": cause}
        ending |= {"kept_epoch": left.kept_epoch} if left.kept_epoch else {}
        told = values if state == FINISHED else None
        with self.journal.together():
            self.describe(trial_id, {**ending, "ended": time.time(), "state": state})
            self.storage.set_trial_state_values(trial_id, TOLD[state], told)


def record_of(trial: FrozenTrial) -> TrialRecord:
    """What the ledger holds of one trial."""
    started = trial.datetime_start.timestamp() if trial.datetime_start else 0.0
    state = state_of(trial.user_attrs, trial.state.is_finished(), trial.state == TrialState.RUNNING)
    return record_from(trial.user_attrs, trial.number, state, started, trial.params)
