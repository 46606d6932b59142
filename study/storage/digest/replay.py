"""Follows the entries of a ledger as Optuna does, and keeps of each trial its outline."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

from uncollapse.study.outline import Outline
from uncollapse.study.storage.digest.attributes import EPOCH, names_outside, newest, place_of, record_from, state_of
from uncollapse.study.storage.digest.outlines import COMPARED, Outlines
from uncollapse.study.storage.places import (
    CREATE_STUDY,
    CREATE_TRIAL,
    SET_INTERMEDIATE_VALUE,
    SET_PARAM,
    SET_STATE,
    SET_STUDY_SYSTEM_ATTRIBUTE,
    SET_STUDY_USER_ATTRIBUTE,
    SET_SYSTEM_ATTRIBUTE,
    SET_USER_ATTRIBUTE,
)
from uncollapse.study.trial_record import TrialRecord

RUNNING, ENDED = 0, (1, 2, 3)  # states of trials as Optuna numbers them
OF_NO_TRIAL = (SET_STUDY_USER_ATTRIBUTE, SET_STUDY_SYSTEM_ATTRIBUTE)
OF_OPTUNA = (SET_PARAM, SET_INTERMEDIATE_VALUE, SET_SYSTEM_ATTRIBUTE)  # what samplers read of a trial
UNREAD = tuple(b'{"op_code":%d,' % op for op in (*OF_NO_TRIAL, *OF_OPTUNA))
CHECKED = ("key", "family", "artifacts")  # attributes that become names of files
KEPT = {"key", "family", "stage", "number", "configuration_id", "seed", "state", "ended", "kept_epoch", "reused_from"}
FIGURES = {*COMPARED, "time", "cost/seconds"}  # of an epoch, or of what was measured at the end


@dataclass
class Open:
    """A trial that may still change.

    Args:
        study, place: as Optuna counts studies, and the trials of one.
        running: it has begun.
        started: seconds since 1970, 0.0 where it has not.
        attributes: as far as its outline needs them.
    """

    study: int
    place: int
    running: bool
    started: float
    attributes: dict[str, Any]

    def record(self, ended: bool = False) -> TrialRecord:
        """The trial as it is now, as far as its outline goes."""
        state = state_of(self.attributes, ended, self.running)
        return record_from(self.attributes, self.place, state, self.started, {})


class Replay:
    """What the entries of a ledger make, one after another.

    Args:
        name: of the study.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.counts: dict[str, int] = {}  # trials of each of Optuna's studies, in their order
        self.open: dict[int, Open] = {}  # by number among all trials
        self.ended, self.trials = Outlines(), 0

    def outlines(self) -> list[Outline]:
        """Of the trials of which `tables.recorded` gives the records, in the same order."""
        places = [place_of(self.name, name) for name in self.counts]
        found: list[tuple[Any, int, Outline]] = [(places[row.study], row.place, row) for row in self.ended]
        found += [(places[one.study], one.place, one.record()) for one in self.open.values()]
        of_stages = [entered for entered in found if entered[0] is not None]
        of_stages.sort(key=itemgetter(0, 1))
        return newest((place[0], one) for place, _, one in of_stages)

    def follow(self, line: bytes) -> None:
        """Take in a line of a ledger.

        Raises:
            Exception: it is none that a study's own runs write; what is here must not be used any more.
        """
        if line.startswith(UNREAD):
            return
        log = json.loads(line)
        op = log["op_code"]
        if op == SET_USER_ATTRIBUTE:
            ((name, value),) = log["user_attr"].items()
            if log["trial_id"] in self.open:
                self.open[log["trial_id"]].attributes |= _kept({name: value})
        elif op == SET_STATE:
            self._change(log)
        elif op == CREATE_TRIAL:
            self._create(log)
        elif op == CREATE_STUDY:
            self.counts.setdefault(log["study_name"], 0)  # Optuna does not make one again
        elif op not in (*OF_NO_TRIAL, *OF_OPTUNA):
            raise ValueError(f"operation {op}")

    def _create(self, log: Mapping[str, Any]) -> None:
        study, state = log["study_id"], log.get("state", RUNNING)
        name = list(self.counts)[study]
        attributes = dict(_kept(log.get("user_attrs", {})))
        trial = self.trials
        self.open[trial] = Open(study, self.counts[name], state == RUNNING, _moment(log["datetime_start"]), attributes)
        self.counts[name] += 1
        self.trials += 1
        if state in ENDED:
            self._end(trial)

    def _change(self, log: Mapping[str, Any]) -> None:
        """A trial begins, waits again or ends; one that has ended does not change any more."""
        trial, state = log["trial_id"], log["state"]
        if trial not in self.open:
            return
        one = self.open[trial]
        if state == RUNNING and not one.running:
            one.started = _moment(log["datetime_start"])
        one.running = state == RUNNING
        if state in ENDED:
            self._end(trial)

    def _end(self, trial: int) -> None:
        one = self.open.pop(trial)
        if (found := one.record(ended=True)).key:
            self.ended.append(found, one.study, one.place)

    def plain(self) -> dict[str, Any]:
        """Everything but what has ended, as JSON can hold it."""
        return {"name": self.name, "counts": self.counts, "open": [[at, asdict(one)] for at, one in self.open.items()]}

    @classmethod
    def of(cls, plain: Mapping[str, Any], ended: Outlines) -> "Replay":
        """From what `plain` gave, and what had ended; where it is not that, `outlines` raises whatever exception."""
        made = cls(plain["name"])
        made.counts, made.ended, made.trials = dict(plain["counts"]), ended, sum(plain["counts"].values())
        made.open = {at: Open(**one) for at, one in plain["open"]}
        return made


def _kept(attributes: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What an outline needs; raises ValueError for a name that would lead out of the study's folder."""
    for name, value in attributes.items():
        if name in CHECKED and (error := names_outside({name: value})) is not None:
            raise ValueError(error)
        if name == "final" or name.startswith(EPOCH):
            yield name, {figure: value[figure] for figure in value if figure in FIGURES}
        elif name in KEPT or (name == "configuration" and isinstance(value, str)):  # its hash, in old ledgers
            yield name, value


def _moment(iso: str | None) -> float:
    """Seconds since 1970, as Optuna gives them back; 0.0 for none."""
    if iso is None:
        return 0.0
    return datetime.fromisoformat(iso).astimezone().replace(tzinfo=None).timestamp()
