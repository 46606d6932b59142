"""The ledger: one append-only Optuna journal, the truth about a study.

Every family has one Optuna study a stage. What Optuna has no place for (epochs, figures, causes) stands in the trials'
user attributes. A Tune run over it is disposable: whatever dies, the ledger says what is finished and what is not.
"""

import fcntl
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal._file import BaseJournalFileLock
from optuna.trial import FrozenTrial, TrialState

from study.errors import UserError
from study.records import DIVERGED, ENDED, FAILED, FINISHED, MISSING, RUNNING, STAGES, STOPPED, TrialRecord

optuna.logging.set_verbosity(optuna.logging.WARNING)
TOLD = {FINISHED: TrialState.COMPLETE, STOPPED: TrialState.PRUNED, DIVERGED: TrialState.FAIL, FAILED: TrialState.FAIL}


@dataclass(frozen=True)
class Left:
    """What a finished trial leaves: measures on the full validation split, and small texts by file name."""

    final: Mapping[str, float] = field(default_factory=dict)
    artifacts: Mapping[str, str] = field(default_factory=dict)


class OwnedElsewhere(BaseJournalFileLock):
    """No lock a write: the owner file, held for the whole run, keeps other writers out and never goes stale."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        pass


@contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Hold a study's ledger for writing; the kernel lets go when the process dies, however it dies.

    Raises:
        UserError: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "ledger.lock").open("a+") as owner:
        try:
            fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner.seek(0)
            holder = owner.read().strip() or "another process"
            raise UserError(
                f"{folder.name}: a study is run by one process at a time and {holder} is running this one; "
                "wait for it, or watch it with `uncollapse status`"
            ) from None
        owner.truncate(0)
        owner.write(f"process {os.getpid()}")
        owner.flush()
        yield


def is_owned(folder: Path) -> bool:
    """Whether a process holds a study's ledger for writing."""
    with (folder / "ledger.lock").open("a") as owner:
        try:
            fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        return False


class Ledger:
    """A study's journal.

    Args:
        folder: of the study; holds `ledger.journal`.
        study: the study's name.
        write: cut a torn last line, which a kill in mid-write leaves, before anything is appended.
    """

    def __init__(self, folder: Path, study: str, write: bool = False) -> None:
        self.path, self.name, self._guard = folder / "ledger.journal", study, threading.RLock()
        if write:
            folder.mkdir(parents=True, exist_ok=True)
            _cut_torn_line(self.path)
        self.storage = JournalStorage(JournalFileBackend(str(self.path.resolve()), lock_obj=OwnedElsewhere()))
        self._studies: dict[tuple[str, str], optuna.Study] = {}

    def study(self, stage: str, family: str) -> optuna.Study:
        """The Optuna study of a family and stage, made when it is first asked for."""
        if (stage, family) not in self._studies:
            self._studies[stage, family] = optuna.create_study(
                study_name=f"{self.name}.{stage}.{family}", storage=self.storage, load_if_exists=True
            )
        return self._studies[stage, family]

    def trials(self, stage: str, family: str) -> list[FrozenTrial]:
        """Every trial of a family and stage, by number; not to be changed."""
        return self.storage.get_all_trials(self.study(stage, family)._study_id, deepcopy=False)

    def record(self, trial_id: int) -> TrialRecord:
        return record_of(self.storage.get_trial(trial_id))

    def describe(self, trial_id: int, attributes: Mapping[str, Any]) -> None:
        """Write attributes of a trial, one line each."""
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
        self.describe(trial_id, {epoch_name(number): {**record, "time": time.time()}})
        if value is not None:
            self.storage.set_trial_intermediate_value(trial_id, number, value)

    def end(self, trial_id: int, state: str, cause: str, left: Left, value: float | None) -> None:
        """Append how a trial ended, then tell Optuna: what is written after that could be lost."""
        ending = {"final": dict(left.final), "artifacts": dict(left.artifacts), "cause": cause}
        self.describe(trial_id, {**ending, "ended": time.time(), "state": state})
        values = [value] if state == FINISHED and value is not None else None
        self.storage.set_trial_state_values(trial_id, TOLD[state], values)


def families(path: Path, study: str) -> list[tuple[str, str]]:
    """The (stage, family) pairs that a journal holds."""
    storage = JournalStorage(JournalFileBackend(str(path.resolve()), lock_obj=OwnedElsewhere()))
    prefix = f"{study}."
    names = [found.study_name.removeprefix(prefix) for found in storage.get_all_studies()]
    pairs = [tuple(name.split(".", 1)) for name in names if "." in name]
    return sorted((stage, family) for stage, family in pairs if stage in STAGES)


def epoch_name(number: int) -> str:
    return f"epoch/{number:05d}"


def record_of(trial: FrozenTrial) -> TrialRecord:
    """What the ledger holds of one trial."""
    attributes = trial.user_attrs
    epochs = tuple(attributes[name] for name in sorted(attributes) if name.startswith("epoch/"))
    started = trial.datetime_start.timestamp() if trial.datetime_start else 0.0
    return TrialRecord(
        key=attributes.get("key", ""),
        family=attributes.get("family", ""),
        stage=attributes.get("stage", ""),
        number=attributes.get("number", trial.number),
        configuration=attributes.get("configuration", ""),
        seed=attributes.get("seed", 0),
        audit=attributes.get("audit", False),
        settings=attributes.get("settings", {}),
        params=attributes.get("params", trial.params),
        state=_state(trial),
        cause=attributes.get("cause", ""),
        epochs=epochs,
        final=attributes.get("final", {}),
        started=started,
        ended=attributes.get("ended", 0.0),
        artifacts=attributes.get("artifacts", {}),
        device=attributes.get("device", ""),
    )


def _state(trial: FrozenTrial) -> str:
    if trial.state.is_finished():
        state = trial.user_attrs.get("state", FAILED)
        assert state in ENDED, state
        return state
    return RUNNING if trial.state == TrialState.RUNNING else MISSING


def _cut_torn_line(path: Path) -> None:
    """A line without its newline is what a kill left of a write; appended to, it would make the journal unreadable."""
    if not path.exists():
        return
    with path.open("rb+") as file:
        content = file.read()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            file.truncate(whole)
