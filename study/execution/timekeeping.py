"""The time of a study that was given hours or a moment: what was chosen for it, what it used, what it has left."""

import datetime
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from uncollapse.analysis.schema import ENDED, REPLICATE
from uncollapse.study.config.study_page import Study
from uncollapse.study.planning import budget
from uncollapse.study.planning.budget import Numbers
from uncollapse.study.planning.until import shown
from uncollapse.study.stages.deadline import Deadline
from uncollapse.study.stages.need import runs_to_come
from uncollapse.study.stages.pace import Expected, Pace
from uncollapse.study.stages.timetable import ConfirmationTime, SearchTime, Times
from uncollapse.study.storage.ledger import Ledger
from uncollapse.study.storage.workspace import Workspace
from uncollapse.study.trial_record import TrialRecord

HOUR = 3600.0


@dataclass(frozen=True)
class Held:
    """What the facts of a study hold of its budget.

    Args:
        expected: seconds of each family's trials, as calibrated.
        slots: trials that ran at once when it was calibrated.
        asked, chosen: the page's numbers when the choice was made, and those that were chosen; None where a study that
            was under way was given its first deadline, whose numbers stay.
        hours, until: of the last run.
        since: seconds since 1970 at which the study was last given more time than before.
        begun: seconds since 1970 at which training began, or went on.
    """

    expected: Mapping[str, Expected]
    slots: int
    asked: Numbers | None = None
    chosen: Numbers | None = None
    hours: float | None = None
    until: float | None = None
    since: float = 0.0
    begun: tuple[float, ...] = ()

    def plain(self) -> dict[str, Any]:
        """As the facts hold it."""
        expected = {name: one._asdict() for name, one in self.expected.items()}
        numbers = {name: one and one._asdict() for name, one in (("asked", self.asked), ("chosen", self.chosen))}
        return {**vars(self), "expected": expected, **numbers, "begun": list(self.begun)}

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> "Held":
        """From what the facts hold."""
        expected = {name: Expected(**one) for name, one in facts["expected"].items()}
        numbers = {name: facts[name] and Numbers(**facts[name]) for name in ("asked", "chosen")}
        return cls(**{**facts, "expected": expected, **numbers, "begun": tuple(facts["begun"])})


@dataclass
class Timekeeper:
    """The budget of one run of a study.

    Args:
        study: with the numbers that were chosen for it.
        workspace: of it.
        until: seconds since 1970 that `--until` names; None where it was not given.
        held: what its facts held, or hold since it was calibrated; None for a study without a budget.
        deadline: of its training.
    """

    study: Study
    workspace: Workspace
    until: float | None
    held: Held | None
    deadline: Deadline = field(default_factory=Deadline)

    @property
    def asked(self) -> bool:
        """Whether this run has a deadline."""
        return self.study.search.hours is not None or self.until is not None

    @property
    def source(self) -> str:
        """The key that asks for the shorter time."""
        return "search.hours" if self.until is None or self._given() < self._to_the_moment() else "--until"

    def of(self) -> str:
        """The budget in words."""
        hours = f"{self.study.search.hours:g} h" if self.study.search.hours is not None else ""
        moment = "" if self.until is None else f"until {shown(datetime.datetime.fromtimestamp(self.until))}"
        return " or ".join(filter(None, (hours, moment)))

    def _given(self) -> float:
        return math.inf if self.study.search.hours is None else HOUR * self.study.search.hours

    def _to_the_moment(self) -> float:
        return math.inf if self.until is None else self.until - time.time()

    @property
    def seconds(self) -> float:
        """Of the whole budget, from now on."""
        return min(self._given(), self._to_the_moment())

    def settle(self, expected: Mapping[str, Expected], slots: int, begun: bool, say: Callable[[str], None]) -> None:
        """Choose the numbers of a study that begins; one that is under way keeps its own.

        Raises:
            UserError: not even the least of the study fits.
        """
        self.held = Held(expected, slots)
        if begun:
            return
        asked = Numbers.of(self.study)
        chosen = budget.choose(self.study, expected, slots, self.seconds, self.source)
        for line in budget.sentences(self.study, chosen, expected, slots, self.of()):
            say(line)
        self.held = replace(self.held, asked=asked, chosen=chosen)
        self.study = chosen.over(self.study)

    def facts(self) -> dict[str, Any]:
        """What the study's facts hold of it."""
        if self.held is None:
            return {}
        return {"budget": replace(self.held, hours=self.study.search.hours, until=self.until).plain()}

    def begin(self) -> None:
        """Training begins, or goes on after a pause."""
        if self.held is not None:
            self.held = replace(self.held, begun=(*self.held.begun, time.time()))
            self.workspace.write_facts({**self.workspace.read_facts(), **self.facts()})

    def go_on(self, paused: float) -> None:
        """After so many seconds of a pause, which are no time of the study."""
        self.deadline.postpone(paused)
        self.begin()

    def times(
        self, ledger: Ledger, records: Sequence[TrialRecord], slots: Callable[[], int] | None = None
    ) -> tuple[Times, tuple[Pace, ...]]:
        """The timetables of both stages from now on, and what learns the pace of trials for them; unhurried, none."""
        if self.held is None or not self.asked:
            return (None, None), ()
        own = self.held
        given = self._given() - used(own.begun, records)
        reserve = budget.reserve(max(0.0, self.seconds))
        self.deadline = Deadline(given, math.inf if self.until is None else self.until, reserve)
        pace = Pace(own.expected, self.study.train.epochs, budget.share(self.study), time.time())
        pace.recall(records)
        confirming = any(record.stage == REPLICATE and record.started > own.since for record in records)
        search = SearchTime(
            self.deadline,
            pace,
            lambda: runs_to_come(self.study, ledger),
            slots or (lambda: own.slots),
            beyond=own.chosen is not None,
            closed=confirming,
        )
        return (search, ConfirmationTime(self.deadline, pace)), (pace,)

    def over(self, records: Sequence[TrialRecord]) -> str:
        """The sentence for a study that is not done and whose time is over; "" for any other."""
        unfinished = self.asked and any(record.state not in ENDED for record in records)
        return f"the time of the study is over ({self.of()}): nothing more is trained" if unfinished else ""

    def missing(self, records: Sequence[TrialRecord]) -> str:
        """The sentence for confirmation runs that found no time; "" where all did."""
        left = sum(record.stage == REPLICATE and record.state not in ENDED for record in records)
        if not (left and self.asked):
            return ""
        more = "raise search.hours" if self.until is None else "name a later --until"
        return f"{left} confirmation runs found no time ({self.of()}); {more} and run the study again, and it goes on"


def recalled(study: Study, workspace: Workspace, until: datetime.datetime | None) -> Timekeeper:
    """The time of a study as its facts hold it, or not settled yet."""
    moment = None if until is None else until.timestamp()
    facts = workspace.read_facts() if workspace.facts.exists() and workspace.recorded else {}
    if "budget" not in facts:
        return Timekeeper(study, workspace, moment, None)
    held = Held.of(facts["budget"])
    if held.asked is not None and held.chosen is not None:
        study = budget.recalled(study, held.asked, held.chosen)
    if _later(study.search.hours, held.hours) or _later(moment, held.until):
        held = replace(held, since=time.time())
    return Timekeeper(study, workspace, moment, held)


def _later(now: float | None, before: float | None) -> bool:
    return now is not None and (before is None or now > before)


def used(begun: Sequence[float], records: Sequence[TrialRecord]) -> float:
    """Seconds that earlier processes trained for: of each from its beginning to what it recorded last.

    The report and everything between two processes is left out; all places count once, however many there were.
    """
    stamps = sorted(stamp for record in records for stamp in _stamps(record))
    seconds = 0.0
    for since, to in zip(begun, (*begun[1:], math.inf), strict=True):
        seconds += max((stamp - since for stamp in stamps if since <= stamp < to), default=0.0)
    return seconds


def _stamps(record: TrialRecord) -> Iterator[float]:
    """When something of a trial was recorded."""
    yield from (epoch["time"] for epoch in record.epochs if "time" in epoch)
    yield from (stamp for stamp in (record.started, record.ended) if stamp)
