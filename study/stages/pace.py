"""How long trials of each family take: as calibrated at first, then as recorded."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import NamedTuple

from uncollapse.analysis.schema import ENDED, FINISHED, REPLICATE, SEARCH
from uncollapse.study.trial_record import TrialRecord

HANDING_OUT = 0.5  # seconds from the end of a trial to the first update of the next on the same place, as measured
STAGE_START = 15.0  # seconds from the end of one stage until the workers of the next train, as measured
TUNE_START = 3.0  # of them, until the first trial is handed out
BELIEF = 2  # trials as expected that count beside those recorded: the first epochs of a process are slower than others


class Expected(NamedTuple):
    """What is expected of a family before anything is recorded of it.

    Args:
        epoch: seconds of an epoch, its measure on the subset included.
        full: seconds of the measures on the full validation split.
    """

    epoch: float
    full: float


class Seen(NamedTuple):
    """What is kept of a trial: its state, epochs, their seconds, those from the last one to its end, when it was heard.

    `after` is None while the trial runs, and where an interruption may lie in it.
    """

    state: str
    epochs: int
    seconds: float
    after: float | None
    heard: float


@dataclass
class Totals:
    """Sums over the trials of a family in a stage: of all, those that ended or finished, and those timed whole."""

    epochs: int = 0
    seconds: float = 0.0
    ended: int = 0
    ended_epochs: int = 0
    finished: int = 0
    finished_epochs: int = 0
    timed: int = 0
    timed_seconds: float = 0.0
    timed_after: float = 0.0

    def count(self, one: Seen, by: int) -> None:
        """Add a trial, or with -1 take it out again."""
        ended, finished = by * (one.state in ENDED), by * (one.state == FINISHED)
        self.epochs, self.seconds = self.epochs + by * one.epochs, self.seconds + by * one.seconds
        self.ended, self.ended_epochs = self.ended + ended, self.ended_epochs + ended * one.epochs
        self.finished, self.finished_epochs = self.finished + finished, self.finished_epochs + finished * one.epochs
        if one.after is not None:
            self.timed += finished
            self.timed_seconds += finished * (one.seconds + one.after)
            self.timed_after += finished * one.after


class Pace:
    """Expected seconds of trials, learned from every record that it is told of.

    What was calibrated counts as so many trials of each family, so that the first records do not decide alone.

    Args:
        expected: of each family.
        epochs: of a whole training.
        share: of a whole training that a trial of the search is expected to take.
        since: seconds since 1970 from which on no record spans an interruption.
    """

    def __init__(self, expected: Mapping[str, Expected], epochs: int, share: float, since: float) -> None:
        self.expected, self.epochs, self.share, self.since = dict(expected), epochs, share, since
        self.seen: dict[str, Seen] = {}
        self.totals: dict[tuple[str, str], Totals] = defaultdict(Totals)
        self.changes = 0  # of what has ended
        self.longest_start: float | None = None  # from being handed out to the first update

    def recall(self, records: Iterable[TrialRecord]) -> None:
        """Learn from what an earlier process left."""
        for record in records:
            self(record)

    def __call__(self, record: TrialRecord) -> None:
        self.changes += record.state in ENDED
        if not record.epochs or record.reused_from:
            return
        if record.started >= self.since and record.key not in self.seen:
            self.longest_start = max(self.longest_start or 0.0, _first_update(record) - record.started)
        totals = self.totals[record.stage, record.family]
        if known := self.seen.get(record.key):
            totals.count(known, -1)
        self.seen[record.key] = _seen(record, self.since)
        totals.count(self.seen[record.key], 1)

    @property
    def stage_start(self) -> float:
        """Seconds from the end of the search until the workers of the confirmation train: as those of the search."""
        return STAGE_START if self.longest_start is None else TUNE_START + self.longest_start

    def search(self, family: str) -> float:
        """Seconds of a trial of the search, from being handed out to its end: of as many epochs as those that ended."""
        own = self.totals[SEARCH, family]
        epochs = (own.ended_epochs + BELIEF * self.share * self.epochs) / (own.ended + BELIEF)
        return epochs * self._epoch(family) + HANDING_OUT

    def confirmation(self, family: str) -> float:
        """Seconds of a confirmation run: the mean of those that finished while nothing interrupted."""
        own, searched = self.totals[REPLICATE, family], self.totals[SEARCH, family]
        if own.timed:
            return own.timed_seconds / own.timed + HANDING_OUT
        epochs = searched.finished_epochs / searched.finished if searched.finished else self.epochs
        return epochs * self._epoch(family) + self._full(family) + HANDING_OUT

    def _epoch(self, family: str) -> float:
        own = [self.totals[SEARCH, family], self.totals[REPLICATE, family]]
        believed = BELIEF * self.epochs
        seconds = sum(one.seconds for one in own) + believed * self._expected(family).epoch * self._slower()
        return seconds / (sum(one.epochs for one in own) + believed)

    def _slower(self) -> float:
        """Recorded seconds of epochs over those that were expected of them, over all families."""
        every = list(self.totals.items())
        believed = BELIEF * self.epochs * sum(one.epoch for one in self.expected.values())
        expected = sum(one.epochs * self._expected(family).epoch for (_, family), one in every) + believed
        return (sum(one.seconds for _, one in every) + believed) / expected if expected else 1.0

    def _full(self, family: str) -> float:
        confirmed = [(name, one) for (stage, name), one in self.totals.items() if stage == REPLICATE]
        expected = sum(one.timed * self._expected(name).full for name, one in confirmed)
        slower = sum(one.timed_after for _, one in confirmed) / expected if expected else self._slower()
        return self._expected(family).full * slower

    def _expected(self, family: str) -> Expected:
        """Of a family that came later, what is expected of the others."""
        if family in self.expected or not self.expected:
            return self.expected.get(family, Expected(0.0, 0.0))
        return Expected(*map(fmean, zip(*self.expected.values(), strict=True)))


def _first_update(record: TrialRecord) -> float:
    """Seconds since 1970 at which a trial began to train; 0 where that was not recorded."""
    first = record.epochs[0]
    return first["time"] - first["cost/seconds"] if "time" in first else 0.0


def _seen(record: TrialRecord, since: float) -> Seen:
    last, whole = record.epochs[-1], record.state in ENDED and _first_update(record) >= since
    after = max(0.0, record.ended - last["time"]) if whole else None
    return Seen(record.state, len(record.epochs), record.seconds, after, last.get("time", 0.0))
