"""The time that a study was given, while it runs out."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from uncollapse.analysis.schema import REPLICATE, SEARCH
from uncollapse.study.outline import Outline
from uncollapse.study.planning.budget import HOUR, reserve
from uncollapse.study.planning.frozen import Frozen, in_words
from uncollapse.study.stages.time_left import Left
from uncollapse.study.storage.time_used import time_used


class Budget(NamedTuple):
    """What is left of it.

    Args:
        words: what was given.
        seconds: until it is over; negative afterwards.
        report: of them, seconds that are kept for the report.
        beyond: whether the search goes on past the planned trials while there is time.
    """

    words: str
    seconds: float
    report: float
    beyond: bool

    @property
    def training(self) -> float:
        """Seconds left for training."""
        return max(0.0, self.seconds - self.report)

    def within(self, left: Mapping[str, Left], stage: str) -> dict[str, Left]:
        """What is left of each stage, none of it past the end; a search takes all that its confirmation leaves."""
        confirmation = _at_most(left[REPLICATE], self.training)
        rest = self.training - (confirmation.seconds or 0.0)
        goes_on = self.beyond and stage == SEARCH
        search = Left(rest, confirmation.about) if goes_on else _at_most(left[SEARCH], rest)
        return {**left, SEARCH: search, REPLICATE: confirmation}

    def plain(self) -> dict[str, Any]:
        """As `status --json` prints it."""
        return {"words": self.words, "left_seconds": max(0.0, self.seconds), "report_seconds": self.report}


def _at_most(left: Left, most: float) -> Left:
    return Left(most, about=True) if left.seconds is None else left._replace(seconds=min(most, left.seconds))


def budget_of(own: Frozen | None, records: Sequence[Outline], now: float, running: bool) -> Budget | None:
    """The budget of a study that another process runs; None where it has none, or none until it is run again.

    Args:
        own: as the facts hold it.
        records: every trial.
        now: seconds since 1970.
        running: a moment that `--until` named holds for one run alone.
    """
    if own is None or not own.begun:
        return None
    *earlier, began = own.begun
    hours, until = own.hours, own.until if running else None
    if hours is None and until is None:
        return None
    whole = math.inf if hours is None else HOUR * hours
    used = time_used(earlier, records, began) + (now - began) if running else time_used(own.begun, records)
    moment = math.inf if until is None else until
    report = reserve(max(0.0, min(whole, moment - began)))
    return Budget(in_words(hours, until), min(whole - used, moment - now), report, own.chosen is not None)
