"""The lines of a damaged journal that are as they were written, and what each of them belongs to."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

from optuna.trial import TrialState

from uncollapse.study.storage.places import (
    CREATE_STUDY,
    CREATE_TRIAL,
    SET_PARAM,
    SET_STATE,
    SET_SYSTEM_ATTRIBUTE,
    SET_USER_ATTRIBUTE,
)
from uncollapse.study.storage.seals import body_of, end_is_damaged, seal_of

# What a trial of the search is given before it trains, in entries of its own; a confirmation run is made with it.
LAST_GIVEN = "configuration"
GIVEN = {"family", "stage", "number", "audit", "origin", "key", "configuration_id", "seed", LAST_GIVEN}
MEASURED = "constraints:"  # system attributes that say by how much a trial broke a limit


class Line:
    """A line that is as it was written.

    Args:
        number: from 1, among all that were written.
        place: of the entry, see `places`; "" where nothing is counted.
        body: of the line, without its seal.
    """

    def __init__(self, number: int, place: str, body: bytes) -> None:
        self.number, self.place, self.body = number, place, body

    @cached_property
    def entry(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def op(self) -> int | None:
        return self.entry.get("op_code") if self.place else None

    @property
    def trial(self) -> int:
        """The number of the trial that it makes, among all."""
        return int(self.place.split(".")[0])

    @property
    def number_in_study(self) -> int:
        return int(self.place.split(".")[1])

    @property
    def ends(self) -> bool:
        """Whether its trial ends with it."""
        return self.op == SET_STATE and TrialState(self.entry["state"]).is_finished()


def intact(content: bytes) -> tuple[list[Line], list[int], int]:
    """What a journal's bytes hold.

    Returns:
        The intact lines; where damaged ones stand in the file, from 1; and the number up to which entries may be lost.
    """
    *rows, tail = content.split(b"\n")
    rows += [tail] if end_is_damaged(tail) else []  # anything else is still being written
    lines: list[Line] = []
    damaged: list[int] = []
    for place, row in enumerate(rows, 1):
        seal = seal_of(row + b"\n")
        if seal is None or (lines and seal.number <= lines[-1].number):
            damaged.append(place)
        else:
            lines.append(Line(seal.number, seal.place, body_of(row + b"\n")))
            if seal.number != place and not damaged:
                damaged.append(place)  # lines before it are gone
    numbers = {line.number for line in lines}
    last = lines[-1].number if lines else 0
    behind = bool(damaged) and damaged[-1] == len(rows)
    return lines, damaged, last + 1 if behind else max(set(range(1, last + 1)) - numbers, default=0)


class Belongings:
    """What intact lines belong to.

    Args:
        lines: in order.
    """

    def __init__(self, lines: Sequence[Line]) -> None:
        self.studies: dict[int, str] = {}  # names
        self.made: dict[int, Line] = {}  # trials
        self.entries: dict[int, list[Line]] = defaultdict(list)  # of trials, after the one that makes them
        for line in lines:
            if line.op == CREATE_STUDY:
                self.studies[int(line.place)] = line.entry["study_name"]
            elif line.op == CREATE_TRIAL:
                self.made[line.trial] = line
            elif "trial_id" in line.entry:
                self.entries[line.entry["trial_id"]].append(line)
        self.trials = 1 + max((*self.made, *self.entries), default=-1)
        used = (line.entry["study_id"] for line in self.made.values())
        self.all_studies = 1 + max((*self.studies, *used), default=-1)
        self.lost = [trial for trial in range(self.trials) if trial not in self.made]

    def gap(self, trial: int) -> int | None:
        """The first entry of a trial that is missing before another, from 1."""
        numbers = [int(line.place) for line in self.entries.get(trial, ()) if line.place]
        return next((number for number, found in enumerate(numbers, 1) if found != number), None)

    def ended(self, trial: int) -> bool:
        return any(line.ends for line in self.entries.get(trial, ()))

    def studies_of_lost(self) -> dict[int, int]:
        """The studies of lost trials that a gap in the numbers of a study's trials tells."""
        gaps = sorted(self._gaps(), key=lambda gap: gap[1])  # the one that ends first has the least choice
        free, found = list(self.lost), dict[int, int]()
        for after, before, study in gaps:
            trial = next((one for one in free if after < one < before), None)
            if trial is not None:
                free.remove(trial)
                found[trial] = study
        return found

    def _gaps(self) -> Iterable[tuple[int, int, int]]:
        """(trial before, trial after, study) for every trial that is missing between two of a study."""
        last: dict[int, tuple[int, int]] = {}
        for trial in sorted(self.made):
            line = self.made[trial]
            study = line.entry["study_id"]
            before, number = last.get(study, (-1, -1))
            yield from ((before, trial, study) for _ in range(line.number_in_study - number - 1))
            last[study] = (trial, line.number_in_study)


def planned(entries: Sequence[Line], gap: int | None) -> set[int]:
    """Numbers of the lines of a trial that stay when it is to be trained again: what it was given before.

    Where some of that is lost, what was drawn for it stays, and the rest is given to it again.
    """
    drawn = [line for line in entries if line.op == SET_PARAM]
    given = [line for line in entries if line.op == SET_USER_ATTRIBUTE and _names(line) <= GIVEN]
    others = [line for line in entries if line.op == SET_SYSTEM_ATTRIBUTE and not _measured(line)]
    if not given or LAST_GIVEN not in _names(given[-1]) or (gap is not None and gap < int(given[-1].place)):
        given = []
    return {line.number for line in (*drawn, *given, *others)}


def _names(line: Line) -> set[str]:
    return set(line.entry["user_attr"])


def _measured(line: Line) -> bool:
    return any(name.startswith(MEASURED) for name in line.entry["system_attr"])
