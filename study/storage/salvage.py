"""What a damaged journal still holds: all but what hung on its damaged lines, so that this is trained again.

A seal tells of a line that it is as it was written, and the places in the seals around a damaged line tell what it was.
A trial of which an entry was lost goes back to what was known when it was planned, and so does one that has not ended
and may have lost its last entry. One whose making was lost gives way to an empty one that keeps its number. Of a study
whose making was lost, no trial counts.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from optuna.study import StudyDirection
from optuna.trial import TrialState

from uncollapse.analysis.schema import DROPPED, STAGES
from uncollapse.study.storage.intact_lines import Belongings, Line, intact, planned
from uncollapse.study.storage.places import CREATE_STUDY, CREATE_TRIAL, Places

LOST = "its entry in the ledger was damaged"


class Unsalvageable(ValueError):
    """No line of a journal has a seal, or its lines do not fit together."""


class Salvaged(NamedTuple):
    """What is left of a damaged journal.

    bodies: of its entries, in order, as JSON objects without a seal.
    damaged: where its damaged lines stand, from 1; one that is intact where lines before it are gone.
    trials: a phrase for each trial, or group of trials, that counts no longer.
    """

    bodies: list[bytes]
    damaged: list[int]
    trials: list[str]


def salvage(content: bytes) -> Salvaged:
    """What is left of a damaged journal.

    Raises:
        Unsalvageable: it cannot be told.
    """
    lines, damaged, until = intact(content)
    if not lines:
        raise Unsalvageable("no line is intact")
    rest = _Rest(lines, until)
    return Salvaged(list(rest.bodies()), damaged, rest.trials)


class _Rest:
    """Goes through the intact lines and puts empty trials and studies where others were made.

    Args:
        lines: the intact ones.
        until: the number up to which lines may be missing.
    """

    def __init__(self, lines: Sequence[Line], until: int) -> None:
        self.lines, self.until, self.has = lines, until, Belongings(lines)
        self.places, self.trials = Places(), list[str]()
        self.studies_of_lost = self.has.studies_of_lost()
        self.dropped = {line.number for trial in range(self.has.trials) for line in self._dropped(trial)}
        lost = {study for study in range(self.has.all_studies) if study not in self.has.studies}
        count = sum(line.entry["study_id"] in lost for line in self.has.made.values())
        self.trials += [f"{count} trials of {len(lost)} families in one stage"] if lost else []

    def _dropped(self, trial: int) -> list[Line]:
        """The lines of a trial that count no longer."""
        entries, made = self.has.entries.get(trial, []), self.has.made.get(trial)
        if made is None:
            self.trials.append(f"a trial of {self._name(self.studies_of_lost.get(trial))}")
            return entries
        gap = self.has.gap(trial)
        if gap is None and (self.has.ended(trial) or made.number > self.until):
            return []
        if gap is not None and made.entry["study_id"] in self.has.studies:
            self.trials.append(f"trial {made.number_in_study} of {self._name(made.entry['study_id'])}")
        stay = planned(entries, gap)
        return [line for line in entries if line.number not in stay]

    def _name(self, study: int | None) -> str:
        name = "" if study is None else self.has.studies.get(study, "")
        stage = next((one for one in STAGES if f".{one}." in name), None)
        return f"{name.split(f'.{stage}.', 1)[1]} ({stage})" if stage else name or "a family that cannot be told"

    def bodies(self) -> Iterator[bytes]:
        """Raises `Unsalvageable` where a trial would get another number than it had."""
        for line in self.lines:
            if line.number in self.dropped:
                continue
            if line.op == CREATE_STUDY:
                yield from self._empty_studies(int(line.place))
            elif line.op == CREATE_TRIAL:
                yield from self._empty_studies(line.entry["study_id"] + 1)
                yield from self._empty_trials(line.trial)
            place = self.places.next(line.entry)
            if line.op in (CREATE_STUDY, CREATE_TRIAL) and place != line.place:
                raise Unsalvageable(f"{line.place} became {place}")
            yield line.body
        yield from self._empty_studies(self.has.all_studies)
        yield from self._empty_trials(self.has.trials)

    def _empty_studies(self, until: int) -> Iterator[bytes]:
        """Studies under a name that belongs to no family, in place of those whose making was lost."""
        while (number := len(self.places.names)) < until:
            made = {"study_name": f"damaged.{number}", "directions": [int(StudyDirection.MINIMIZE)]}
            yield self._made(CREATE_STUDY, made)

    def _empty_trials(self, until: int) -> Iterator[bytes]:
        """Trials that ended without anything, in place of those whose making was lost."""
        while (trial := len(self.places.entries)) < until:
            study = self.studies_of_lost.get(trial, self._any_study(trial))
            yield from self._empty_studies(study + 1)
            said = {"user_attrs": {"state": DROPPED, "cause": LOST}, "state": int(TrialState.FAIL)}
            yield self._made(CREATE_TRIAL, {"study_id": study, "datetime_start": None, **said})

    def _any_study(self, trial: int) -> int:
        """A study in which no trial comes behind the lost one, as is true of its own: a number is skipped there."""
        going_on = {line.entry["study_id"] for other, line in self.has.made.items() if other > trial}
        there = range(len(self.places.names))
        return next((study for study in reversed(there) if study not in going_on), len(there))

    def _made(self, op: int, content: dict[str, Any]) -> bytes:
        entry = {"op_code": op, "worker_id": "", **content}
        self.places.next(entry)
        return json.dumps(entry, separators=(",", ":")).encode()
