"""What a person sees while a study runs: trials by state, best per family, collapsed so far, time left."""

import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from rich.console import Console
from rich.live import Live
from rich.table import Table

from uncollapse.analysis.schema import DROPPED, ENDED, REPLICATE, RUNNING
from uncollapse.study.trial_record import TrialRecord, selected_name, selection

COLLAPSED = 0.1  # nats of mi or latent_gain; the report judges again, with thresholds that can be changed
STATE_COLUMNS = ("finished", "stopped", "diverged", "failed", "dropped")


class Seen(NamedTuple):
    """What is kept of a trial."""

    state: str
    value: float | None
    collapsed: bool | None
    seconds: float


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
        seen = list(self.seen.values())  # at once, since the live table is drawn by a thread of its own
        return min((one.value for one in seen if one.value is not None), default=None)


class Progress:
    """A live table on a terminal; a line an ended trial elsewhere.

    Args:
        planned: trials of each family in each stage.
        select: the measure by which trials are compared.
        slots: trials that run at once.
    """

    def __init__(self, planned: Mapping[str, dict[str, int]], select: str, slots: int, console: Console) -> None:
        self.planned, self.select, self.slots, self.console = dict(planned), select, slots, console
        self.tallies: dict[tuple[str, str], Tally] = {}
        self.stage, self.opened = "", time.monotonic()
        self.live = Live(get_renderable=self._picture, console=console, refresh_per_second=2, transient=True)

    def __enter__(self) -> "Progress":
        if self.console.is_terminal:
            self.live.start()
        return self

    def __exit__(self, *raised: object) -> None:
        if self.live.is_started:
            self.live.stop()

    def say(self, sentence: str) -> None:
        """Print a sentence above whatever is live."""
        self.console.print(sentence, highlight=False, markup=False, soft_wrap=True)
        if not self.console.is_terminal:
            sys.stdout.flush()

    def enter(self, stage: str, planned: Mapping[str, int]) -> None:
        """A stage begins, with what it really has to train."""
        self.stage = stage
        for family, count in planned.items():
            if count < self.planned[stage][family]:
                self.say(
                    f"{family}: {count} of {self.planned[stage][family]} trials, since too few trials of the search "
                    "finished within its limits"
                )
        self.planned[stage] = dict(planned)
        self.say(f"{stage}: {sum(planned.values())} trials of {len(planned)} families, {self.slots} at a time")

    def recall(self, records: Iterable[TrialRecord]) -> None:
        """Count what an earlier process left."""
        self.tallies.clear()
        for record in records:
            self._tally(record).note(record.key, self._seen(record))

    def __call__(self, record: TrialRecord) -> None:
        tally = self._tally(record)
        known = tally.seen.get(record.key)
        tally.note(record.key, self._seen(record))
        if record.state in ENDED and not (known and known.state in ENDED) and not self.console.is_terminal:
            self.say(self._line(record))

    def _tally(self, record: TrialRecord) -> Tally:
        return self.tallies.setdefault((record.stage, record.family), Tally())

    def _seen(self, record: TrialRecord) -> Seen:
        judged = collapsed(record) if "subset/mi" in record.measures else None
        return Seen(record.state, selection(record, self.select), judged, record.seconds)

    def _of(self, stage: str) -> list[Tally]:
        return [tally for (of, _), tally in list(self.tallies.items()) if of == stage]

    def _line(self, record: TrialRecord) -> str:
        ended = sum(tally.ended for tally in self._of(record.stage))
        value = selection(record, self.select)
        figure = f"{value:9.3f}" if value is not None else "        -"
        place = f"seed {record.seed}" if record.stage == REPLICATE else f"trial {record.number}"
        name = selected_name(record.measures, self.select) or "-"
        note = record.cause or ("collapsed" if collapsed(record) else "")
        return (
            f"[{ended}/{sum(self.planned[record.stage].values())}] {record.family:<10} {place:<10} {record.state:<9}"
            f" {name} {figure}  {record.seconds:6.1f} s  left {self._left()}  {note}"
        ).rstrip()

    def _left(self) -> str:
        """From the mean duration of what has ended in this stage."""
        own = self._of(self.stage)
        ended = sum(tally.ended for tally in own)
        if not ended:
            return "unknown yet"
        trained = ended - sum(tally.states[DROPPED] for tally in own)
        mean = sum(tally.seconds for tally in own) / max(1, trained)
        return duration(mean * (sum(self.planned[self.stage].values()) - ended) / self.slots)

    def _picture(self) -> Table:
        table = Table(
            title=f"{self.stage or 'starting'}   ran {duration(time.monotonic() - self.opened)}   "
            f"left in this stage {self._left()}"
        )
        for column in ("family", "planned", "running", *STATE_COLUMNS, "best", "collapsed"):
            table.add_column(column, justify="left" if column == "family" else "right")
        for family, planned in self.planned.get(self.stage, {}).items():
            own = self.tallies.get((self.stage, family), Tally())
            best = own.best()
            counts = [str(own.states[state]) for state in (RUNNING, *STATE_COLUMNS)]
            share = f"{own.collapsed} of {own.judged}"
            table.add_row(family, str(planned), *counts, "-" if best is None else f"{best:.2f}", share)
        return table


def collapsed(record: TrialRecord) -> bool:
    """A first look at the default thresholds; the judgement is the analysis's."""
    measures = record.measures
    values = [measures.get(f"{split}/{name}") for split in ("valid", "subset") for name in ("mi", "latent_gain")]
    known = [value for value in (values[:2] if values[0] is not None else values[2:]) if value is not None]
    return any(value < COLLAPSED for value in known)


def duration(seconds: float) -> str:
    """Seconds as a person says them."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
