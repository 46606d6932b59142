"""Which trials a stage may still start, and when it ends those that run: without a deadline, and under one."""

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from uncollapse.study.stages.deadline import Deadline
from uncollapse.study.stages.pace import Pace

Runs = Callable[[], Mapping[str, int]]


class Timetable(Protocol):
    """What a stage asks of time."""

    @property
    def beyond(self) -> bool:
        """Whether trials past the planned number may start."""

    @property
    def over(self) -> bool:
        """Whether nothing starts any more and running trials are to end at their next epoch."""

    def starts(self, family: str) -> bool:
        """Whether there is time for a trial of a family that starts now."""


class Unhurried:
    """No deadline: what is planned starts, and nothing ends for want of time."""

    beyond = False
    over = False

    def starts(self, family: str) -> bool:
        return True


class SearchTime:
    """Of the search: the study's time less what its confirmation needs.

    Args:
        deadline: of the study's training.
        pace: of its trials.
        runs: confirmation runs that the search so far leaves to be made, by family.
        slots: trials that run at once.
        beyond: trials past the planned number start too, while there is time.
        closed: nothing starts any more, since the confirmation of what was found has begun.
    """

    def __init__(
        self,
        deadline: Deadline,
        pace: Pace,
        runs: Runs,
        slots: Callable[[], int],
        beyond: bool = True,
        closed: bool = False,
    ) -> None:
        self.deadline, self.pace, self.runs, self.slots = deadline, pace, runs, slots
        self.beyond, self.closed = beyond, closed
        self._known: tuple[int, Mapping[str, int]] = (-1, {})

    @property
    def over(self) -> bool:
        return self.closed or self.left <= 0

    def starts(self, family: str) -> bool:
        return not self.closed and self.pace.search(family) <= self.left

    @property
    def left(self) -> float:
        """Seconds left for the search."""
        return self.deadline.left - self.need

    @property
    def need(self) -> float:
        """Seconds of wall time that the confirmation needs, at most."""
        if self._known[0] != self.pace.changes:
            self._known = self.pace.changes, self.runs()
        seconds = {family: self.pace.confirmation(family) for family, count in self._known[1].items() if count}
        if not seconds:
            return 0.0
        return self.pace.stage_start + makespan(seconds, self._known[1], max(1, self.slots()))


class ConfirmationTime:
    """Of the confirmation: whatever the study has left; a run that was started is never ended for want of time.

    Args:
        deadline: of the study's training.
        pace: of its trials.
    """

    beyond = False
    over = False

    def __init__(self, deadline: Deadline, pace: Pace) -> None:
        self.deadline, self.pace = deadline, pace

    def starts(self, family: str) -> bool:
        return self.pace.confirmation(family) <= self.deadline.left


class Times(NamedTuple):
    """The timetables of both stages."""

    search: Timetable
    confirmation: Timetable


UNHURRIED = Unhurried()
NO_DEADLINE = Times(UNHURRIED, UNHURRIED)


def makespan(seconds: Mapping[str, float], count: Mapping[str, int], slots: int) -> float:
    """Wall seconds within which so many runs of each family end on so many places, in whatever order they start.

    Graham's (1966) bound for list scheduling: the sum over the places, and what the longest adds when it starts last.
    """
    whole = sum(one * count[family] for family, one in seconds.items())
    return whole / slots + max(seconds.values(), default=0.0) * (1 - 1 / slots)
