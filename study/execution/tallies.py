"""Trials of a family in a stage, counted: what the live table and `status` show of them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from uncollapse.analysis.schema import DROPPED, ENDED, MISSING, RUNNING
from uncollapse.analysis.verdict_rule import collapsed
from uncollapse.study.trial_record import TrialRecord, selection

STATE_COLUMNS = ("finished", "stopped", "diverged", "failed", "dropped")


class Seen(NamedTuple):
    """What is kept of a trial."""

    state: str
    value: float | None
    collapsed: bool | None
    seconds: float


def seen(record: TrialRecord, select: str) -> Seen:
    """What is kept of a trial that is compared by `select`; judged once it has ended, with the default thresholds."""
    judged = collapsed(record.measures) if record.state in ENDED else None
    return Seen(record.state, selection(record, select), judged, record.seconds)


class Tally:
    """A family's trials in a stage: totals that a trial changes, so that none of them costs a walk over all."""

    def __init__(self) -> None:
        self.seen: dict[str, Seen] = {}
        self.states: Counter[str] = Counter()
        self.ended, self.judged, self.collapsed, self.seconds = 0, 0, 0, 0.0

    def note(self, key: str, now: Seen) -> None:
        """Replace what was known of a trial."""
        if known := self.seen.get(key):
            self._count(known, -1)
        self.seen[key] = now
        self._count(now, 1)

    def _count(self, one: Seen, by: int) -> None:
        self.states[one.state] += by
        if one.state in ENDED:
            self.ended += by
            self.seconds += by * one.seconds
            self.judged += by * (one.collapsed is not None)
            self.collapsed += by * bool(one.collapsed)

    def best(self) -> float | None:
        known = list(self.seen.values())  # at once, since the live table is drawn by a thread of its own
        return min((one.value for one in known if one.value is not None), default=None)

    def row(self, planned: int) -> dict[str, Any]:
        """Of so many trials: counts by state, the best value, and how many of the judged ones collapsed."""
        running = self.states[RUNNING]
        counts = {"planned": planned, "running": running, **{state: self.states[state] for state in STATE_COLUMNS}}
        counts[MISSING] = planned - self.ended - running
        return {**counts, "best": self.best(), "collapsed": self.collapsed, "judged": self.judged}


class Tallies:
    """The tallies of a study.

    Args:
        select: the measure by which trials are compared.
    """

    def __init__(self, select: str) -> None:
        self.select = select
        self._of: dict[tuple[str, str], Tally] = {}

    def recall(self, records: Iterable[TrialRecord]) -> None:
        """Count these in place of whatever was counted."""
        self._of.clear()
        for record in records:
            self.note(record)

    def note(self, record: TrialRecord) -> bool:
        """Count a trial as it is now; whether it has just ended."""
        tally = self._of.setdefault((record.stage, record.family), Tally())
        known = tally.seen.get(record.key)
        tally.note(record.key, seen(record, self.select))
        return record.state in ENDED and not (known and known.state in ENDED)

    def of(self, stage: str, family: str) -> Tally:
        return self._of.get((stage, family)) or Tally()

    def of_stage(self, stage: str) -> list[Tally]:
        return [tally for (of, _), tally in list(self._of.items()) if of == stage]

    def every(self) -> list[Tally]:
        return list(self._of.values())


def mean_seconds(tallies: Iterable[Tally]) -> float | None:
    """Of the trials that trained and ended; None where there is none yet. What was dropped never trained."""
    own = list(tallies)
    trained = sum(tally.ended - tally.states[DROPPED] for tally in own)
    return sum(tally.seconds for tally in own) / trained if trained else None


def cells(row: Mapping[str, Any]) -> list[str]:
    """A row of `Tally.row` for people, in its order; the judged trials stand with the collapsed ones."""
    shown = {**row, "collapsed": f"{row['collapsed']} of {row['judged']}"}
    return [_cell(value) for name, value in shown.items() if name != "judged"]


def heads(row: Mapping[str, Any]) -> list[str]:
    """What stands over `cells`."""
    return [name for name in row if name != "judged"]


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.2f}" if isinstance(value, float) else str(value)
