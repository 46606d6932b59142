"""The time of one run of a study that was given hours or a moment: what is chosen for it, and when it is over."""

import datetime
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from uncollapse.analysis.counted import counted
from uncollapse.analysis.schema import ENDED, REPLICATE
from uncollapse.study.config.study_page import Study
from uncollapse.study.execution.view.budget import Budget
from uncollapse.study.planning import budget
from uncollapse.study.planning.budget import Numbers
from uncollapse.study.planning.frozen import Frozen, frozen_of, in_words
from uncollapse.study.stages.deadline import Deadline
from uncollapse.study.stages.pace import Expected, Pace
from uncollapse.study.stages.runs_to_come import RunsToCome
from uncollapse.study.stages.timetable import NO_DEADLINE, ConfirmationTime, SearchTime, Times
from uncollapse.study.storage.ledger import Ledger
from uncollapse.study.storage.time_used import time_used
from uncollapse.study.storage.workspace import Workspace
from uncollapse.study.trial_record import TrialRecord


@dataclass
class Timekeeper:
    """The budget of one run of a study.

    Args:
        study: with the numbers that were chosen for it.
        until: seconds since 1970 that `--until` names; None where it was not given.
        frozen: what its facts held, or hold since it was calibrated; None for a study that never had a budget.
        began: seconds since 1970 at which this run began.
    """

    study: Study
    until: float | None
    frozen: Frozen | None
    began: float
    deadline: Deadline = field(default_factory=Deadline)

    @property
    def asked(self) -> bool:
        """Whether this run has a deadline."""
        return self.study.search.hours is not None or self.until is not None

    @property
    def unsettled(self) -> bool:
        """Whether nothing was calibrated for its deadline yet."""
        return self.asked and self.frozen is None

    @property
    def words(self) -> str:
        """The budget in words."""
        return in_words(self.study.search.hours, self.until)

    @property
    def expected(self) -> Mapping[str, Expected]:
        """Of each family, as calibrated; empty where nothing was."""
        return {} if self.frozen is None else self.frozen.expected

    def left(self) -> Budget | None:
        """What is left of the budget; None where this run has none."""
        if self.frozen is None or not self.asked:
            return None
        end, report = self.deadline, self.deadline.reserve
        return Budget(self.words, end.left + report, report, self.frozen.chosen is not None)

    def settle(self, expected: Mapping[str, Expected], slots: int, fresh: bool, say: Callable[[str], None]) -> None:
        """Choose the numbers of a study that is fresh; one that is under way keeps its own.

        Raises:
            UserError: not even the least of the study fits.
        """
        self.frozen = Frozen(expected, slots)
        if not fresh:
            return
        asked, source = Numbers.of(self.study), "search.hours" if self._hours <= self._moment else "--until"
        left = self._whole - (time.time() - self.began)
        chosen = budget.choose(self.study, expected, slots, left, source)
        for line in budget.sentences(self.study, chosen, expected, slots, self.words):
            say(line)
        self.frozen = replace(self.frozen, asked=asked, chosen=chosen)
        self.study = chosen.over(self.study)

    @property
    def _hours(self) -> float:
        return math.inf if self.study.search.hours is None else budget.HOUR * self.study.search.hours

    @property
    def _moment(self) -> float:
        """Seconds from the beginning of this run to the named moment."""
        return math.inf if self.until is None else self.until - self.began

    @property
    def _whole(self) -> float:
        return min(self._hours, self._moment)

    def facts(self) -> dict[str, Any] | None:
        """What the study's facts hold of it, this run counted; None where there is nothing."""
        if self.frozen is None:
            return None
        now = replace(self.frozen, hours=self.study.search.hours, until=self.until, words=self.words)
        return replace(now, begun=(*self.frozen.begun, self.began)).plain()

    def go_on(self, paused: float, workspace: Workspace) -> None:
        """After so many seconds of a pause, which are no time of the study."""
        self.deadline.postpone(paused)
        if self.frozen is not None:
            self.frozen = replace(self.frozen, begun=(*self.frozen.begun, self.began))
            self.began = time.time()
            workspace.write_facts({**workspace.read_facts(), "budget": self.facts()})

    def times(
        self, ledger: Ledger, records: Sequence[TrialRecord], slots: Callable[[], int] | None = None
    ) -> tuple[Times, tuple[Pace, ...]]:
        """The timetables of both stages from now on, and what learns the pace of trials for them.

        Args:
            ledger: of the study.
            records: every trial in it.
            slots: trials that run at once, asked now and then; None for as many as when it was calibrated.
        """
        if self.frozen is None or not self.asked:
            return NO_DEADLINE, ()
        own = self.frozen
        given = self._hours - time_used(own.begun, records) - (time.time() - self.began)
        until, reserve = math.inf if self.until is None else self.until, budget.reserve(max(0.0, self._whole))
        self.deadline = Deadline(given, until, reserve, time.monotonic, time.time)
        pace = Pace(own.expected, self.study.train.epochs, budget.share(self.study), self.began)
        pace.recall(records)
        confirming = any(record.stage == REPLICATE and record.started > own.since for record in records)
        runs, at_once = RunsToCome(self.study, ledger), slots or (lambda: own.slots)
        search = SearchTime(self.deadline, pace, runs, at_once, own.chosen is not None, confirming)
        return Times(search, ConfirmationTime(self.deadline, pace)), (pace,)

    def parting(self, records: Sequence[TrialRecord]) -> str:
        """The sentence for runs that found no time; "" where all did."""
        left = sum(record.stage == REPLICATE and record.state not in ENDED for record in records)
        if not (left and self.asked):
            return ""
        more = "raise search.hours" if self.until is None else "name a later --until"
        return (
            f"the time is over ({self.words}) and {counted(left, 'confirmation run')} found none; {more} "
            "and run the study again, "
            "and it goes on"
        )


def timekeeper(study: Study, workspace: Workspace, until: datetime.datetime | None, began: float) -> Timekeeper:
    """The time of a study as its facts hold it, or not settled yet; `began` is when this run did."""
    moment, frozen = None if until is None else until.timestamp(), frozen_of(workspace)
    if frozen is None:
        return Timekeeper(study, moment, None, began)
    if _later(study.search.hours, frozen.hours) or _later(moment, frozen.until):
        frozen = replace(frozen, since=began)
    return Timekeeper(frozen.over(study), moment, frozen, began)


def _later(now: float | None, before: float | None) -> bool:
    return now is not None and (before is None or now > before)
