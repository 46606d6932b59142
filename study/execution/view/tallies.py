"""Trials of a family in a stage, counted: what the live table and `status` show of them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from uncollapse.analysis.schema import DROPPED, ENDED, FINISHED, MISSING, RUNNING, SEARCH
from uncollapse.analysis.verdict_rule import all_collapsed
from uncollapse.study.config.objectives import Limit, limits, objectives, violation
from uncollapse.study.outline import Outline
from uncollapse.study.trial_record import selected, selected_name

AT_ONCE = 1000  # trials that are judged together


class Aim(NamedTuple):
    """What makes a trial the best: the lowest value of a measure, among those that keep the limits."""

    bound: str
    limits: tuple[Limit, ...] = ()

    @classmethod
    def of(cls, search: Mapping[str, Any]) -> "Aim":
        """From the resolved section `search`; one from before there were limits has none."""
        return cls(objectives(search["select"])[0], limits(search.get("subject_to", {})))


class Best(NamedTuple):
    """The best value so far, and of which measure: a model without the study's own is compared by another."""

    value: float
    measure: str

    def plain(self) -> dict[str, Any]:
        return {**self._asdict(), "direction": "minimize"}


class Seen(NamedTuple):
    """What is kept of a trial; `best` only where it may be its family's best."""

    state: str
    number: int
    seed: int
    epochs: int
    best: Best | None
    collapsed: bool | None


def seen(records: Iterable[Outline], aim: Aim) -> Iterator[tuple[Outline, Seen]]:
    """What is kept of each trial; judged once it has ended, with the default thresholds.

    Only one that finished, or runs and keeps the limits now, may be the best.
    """
    for some in _batched(records):
        measures = [record.measures for record in some]
        for record, figures, judged in zip(some, measures, all_collapsed(measures), strict=True):
            verdict = judged if record.state in ENDED else None
            best = _best(record.state, figures, aim)
            yield record, Seen(record.state, record.number, record.seed, record.trained, best, verdict)


def _batched(records: Iterable[Outline]) -> Iterator[list[Outline]]:
    """Some at a time: all at once are judged fastest, and a large study would fill the memory."""
    rest = iter(records)
    while some := list(islice(rest, AT_ONCE)):
        yield some


def _best(state: str, measures: Mapping[str, float], aim: Aim) -> Best | None:
    if state not in (FINISHED, RUNNING) or violation(measures, aim.limits):
        return None
    value, name = selected(measures, aim.bound), selected_name(measures, aim.bound)
    return None if value is None or name is None else Best(value, name)


class Tally:
    """A family's trials in a stage: totals that a trial changes, so that none of them costs a walk over all.

    Args:
        stage: what is dropped in a search, a configuration that was trained already, is none of its planned trials.
    """

    def __init__(self, stage: str) -> None:
        self.stage = stage
        self.seen: dict[str, Seen] = {}
        self.running: dict[str, Seen] = {}
        self.states: Counter[str] = Counter()
        self.ended, self.judged, self.collapsed = 0, 0, 0

    def note(self, key: str, now: Seen) -> None:
        """Replace what was known of a trial."""
        if known := self.seen.get(key):
            self._count(known, -1)
            self.running.pop(key, None)
        self.seen[key] = now
        self._count(now, 1)
        if now.state == RUNNING:
            self.running[key] = now

    def _count(self, one: Seen, by: int) -> None:
        self.states[one.state] += by
        if one.state in ENDED:
            self.ended += by * (self.stage != SEARCH or one.state != DROPPED)
            self.judged += by * (one.collapsed is not None)
            self.collapsed += by * bool(one.collapsed)

    def best(self) -> Best | None:
        known = list(self.seen.values())  # at once, since the live table is drawn by a thread of its own
        return min((one.best for one in known if one.best is not None), default=None)

    def waiting(self, planned: int) -> int:
        """Of so many trials, those that have not begun."""
        return max(0, planned - self.ended - len(self.running))

    def at_least(self, planned: int) -> int:
        """So many trials or, where a budget let a search go past what was planned, those that there are."""
        return max(planned, self.ended + len(self.running))

    def row(self, planned: int, live: bool) -> dict[str, Any]:
        """Of so many trials: counts by state, the best so far, and what the judged ones were judged.

        Nothing runs of a study that is not `live`: what was on its way will go on.
        """
        running = len(self.running) if live else 0
        counts = {"planned": self.at_least(planned), "ended": self.ended, "running": running}
        counts |= {state: self.states[state] for state in ENDED} | {MISSING: self.waiting(planned)}
        verdicts = {"alive": self.judged - self.collapsed, "collapsed": self.collapsed, "judged": self.judged}
        return {**counts, **verdicts, "best": found.plain() if (found := self.best()) else None}


class Tallies:
    """The tallies of a study.

    Args:
        aim: by which the best is found.
    """

    def __init__(self, aim: Aim) -> None:
        self.aim = aim
        self._of: dict[tuple[str, str], Tally] = {}

    def recall(self, records: Iterable[Outline]) -> None:
        """Count these in place of whatever was counted."""
        self._of.clear()
        for record, now in seen(records, self.aim):
            self._note(record, now)

    def note(self, record: Outline) -> bool:
        """Count a trial as it is now; whether it has just ended."""
        ((_, now),) = seen([record], self.aim)
        return self._note(record, now)

    def _note(self, record: Outline, now: Seen) -> bool:
        tally = self._of.setdefault((record.stage, record.family), Tally(record.stage))
        known = tally.seen.get(record.key)
        tally.note(record.key, now)
        return now.state in ENDED and not (known and known.state in ENDED)

    def of(self, stage: str, family: str) -> Tally:
        return self._of.get((stage, family)) or Tally(stage)
