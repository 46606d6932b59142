"""How long what is left of a study will take, learned from every record that it is told of; without a clock."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import fmean
from typing import NamedTuple

from uncollapse.analysis.schema import ENDED, FINISHED, REPLICATE, RUNNING, SEARCH, STAGES
from uncollapse.study.outline import Outline
from uncollapse.study.stages.pace import HANDING_OUT, Expected, Seen

SURE = 60.0  # seconds after a last epoch that are taken for its measures, however short the training was
Place = tuple[str, str]  # (stage, family)


class Left(NamedTuple):
    """Wall time to come.

    Args:
        seconds: None where no epoch has ended yet anywhere, and nothing was calibrated.
        about: some family's trials are taken for whole trainings, or for like the others', since none of it has ended.
    """

    seconds: float | None
    about: bool = False


@dataclass
class Totals:
    """Sums over a family's trials in a stage; numbers of trials by their epochs, of those that ended or finished."""

    epochs: int = 0
    seconds: float = 0.0
    ended: Counter[int] = field(default_factory=Counter)
    finished: Counter[int] = field(default_factory=Counter)
    timed: int = 0
    after: float = 0.0

    @property
    def any_ended(self) -> bool:
        return any(list(self.ended.values()))  # at once, since the live table is drawn by a thread of its own

    def count(self, one: Seen, by: int) -> None:
        """Add a trial, or with -1 take it out again."""
        self.epochs, self.seconds = self.epochs + by * one.epochs, self.seconds + by * one.seconds
        self.ended[one.epochs] += by * (one.state in ENDED)
        self.finished[one.epochs] += by * (one.state == FINISHED)
        if one.state == FINISHED and one.after is not None:
            self.timed, self.after = self.timed + by, self.after + by * one.after


class TimeLeft:
    """Expected wall time of a study's stages.

    Args:
        epochs: of a whole training.
        expected: of each family, as calibrated; by these until it has an epoch of its own.
    """

    def __init__(self, epochs: int, expected: Mapping[str, Expected] | None = None) -> None:
        self.epochs, self.expected = epochs, dict(expected or {})
        self.seen: dict[tuple[Place, str], Seen] = {}
        self.totals: dict[Place, Totals] = defaultdict(Totals)
        self.running: dict[Place, dict[str, Seen]] = defaultdict(dict)

    def recall(self, records: Iterable[Outline]) -> None:
        """Learn from these in place of whatever was learned."""
        for known in (self.seen, self.totals, self.running):
            known.clear()
        for record in records:
            self.note(record)

    def note(self, record: Outline) -> None:
        """Learn from a trial as it is now."""
        place, now = (record.stage, record.family), _seen(record)
        self.running[place].pop(record.key, None)
        if record.state == RUNNING:
            self.running[place][record.key] = now
        if known := self.seen.pop((place, record.key), None):
            self.totals[place].count(known, -1)
        if record.trained:
            self.totals[place].count(now, 1)
            self.seen[place, record.key] = now

    def of(self, stage: str, waiting: Mapping[str, int], slots: int, now: float) -> Left:
        """Until a stage ends: the rest of what runs and the trials that wait, over the places.

        Args:
            waiting: trials of each family that have not begun.
            slots: trials that run at once.
            now: seconds since 1970.
        """
        total, longest, about = 0.0, 0.0, False
        for family, count in waiting.items():
            running = list(self.running.get((stage, family), {}).values())
            if not running and count <= 0:
                continue
            if (trial := self._trial(stage, family)) is None:
                return Left(None)
            about = about or not self._totals(stage, family).any_ended
            rests = [self._rest(stage, family, one, now, trial) for one in running]
            total += max(0, count) * trial + sum(rests)
            longest = max(longest, trial if count > 0 else 0.0, *rests, 0.0)
        return Left(max(total / max(1, slots), longest), about)

    def _totals(self, stage: str, family: str) -> Totals:
        return self.totals.get((stage, family)) or Totals()

    def _trial(self, stage: str, family: str) -> float | None:
        """Seconds of a trial that has not begun; of a family of which nothing is known, the other families' mean."""
        if (own := self._own(stage, family)) is not None:
            return own
        families = {name for _, name in list(self.totals)} | set(self.expected)
        others = [known for name in families if (known := self._own(stage, name)) is not None]
        return fmean(others) if others else None

    def _own(self, stage: str, family: str) -> float | None:
        if (epoch := self._epoch(stage, family)) is None:
            return None
        return epoch * self._length(stage, family, 0) + self._after(stage, family, epoch) + HANDING_OUT

    def _rest(self, stage: str, family: str, one: Seen, now: float, trial: float) -> float:
        """Seconds until a running trial ends; those since it was last heard count, up to what it is at now."""
        since = max(0.0, now - one.heard) if one.heard else 0.0
        epoch = one.seconds / one.epochs if one.epochs else self._epoch(stage, family)
        if epoch is None:
            return max(0.0, trial - since)
        left = self._length(stage, family, one.epochs) - one.epochs
        after = self._after(stage, family, epoch)
        return left * epoch + after - min(since, epoch if left else after)

    def _epoch(self, stage: str, family: str) -> float | None:
        """Mean seconds of a family's epochs in a stage; where none has ended there, in the other one, or expected."""
        for place in (stage, *STAGES):
            if (own := self._totals(place, family)).epochs:
                return own.seconds / own.epochs
        return self.expected[family].epoch if family in self.expected else None

    def _length(self, stage: str, family: str, behind: int) -> float:
        """Epochs, in the mean, of a family's trials in a stage that went beyond so many; a whole training's where none
        did, and in the confirmation, until a trial of it has ended, those of the search that ran to their end."""
        own = self._totals(stage, family)
        unknown = stage == REPLICATE and not own.any_ended
        ended = self._totals(SEARCH, family).finished if unknown else own.ended
        longer = {length: count for length, count in list(ended.items()) if length > behind and count}
        if not longer:
            return max(self.epochs, behind)
        return sum(length * count for length, count in longer.items()) / sum(longer.values())

    def _after(self, stage: str, family: str, epoch: float) -> float:
        """Seconds of the measures after a trial's last epoch: none in a search; in the confirmation as this family's or
        the others' took, and until one is known as expected or else as an epoch."""
        if stage != REPLICATE:
            return 0.0
        own = self._totals(stage, family)
        known = [own] if own.timed else [one for (of, _), one in list(self.totals.items()) if of == stage and one.timed]
        if known:
            return sum(one.after for one in known) / sum(one.timed for one in known)
        return self.expected[family].full if family in self.expected else epoch


def both(first: Left, second: Left) -> Left:
    """Of two stages, one after the other."""
    if first.seconds is None or second.seconds is None:
        return Left(None)
    return Left(first.seconds + second.seconds, first.about or second.about)


def _seen(record: Outline) -> Seen:
    last = record.heard if record.trained else record.started
    after = record.ended - last if record.state in ENDED and last else None
    if after is not None and not 0 <= after <= max(SURE, record.seconds):  # an interruption lies in it
        after = None
    return Seen(record.state, record.trained, record.seconds, after, last)
