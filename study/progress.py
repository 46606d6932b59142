"""What a person sees while a study runs: trials by state, best per family, collapsed so far, time left."""

import sys
import time
from collections import Counter
from collections.abc import Mapping

from rich.console import Console
from rich.live import Live
from rich.table import Table

from study.records import ENDED, REPLICATE, RUNNING, TrialRecord, selected_name, selection

COLLAPSED = 0.1  # nats of mi or latent_gain; the report judges again, with thresholds that can be changed
STATE_COLUMNS = ("finished", "stopped", "diverged", "failed")


class Progress:
    """A live table on a terminal; a line an ended trial elsewhere.

    Args:
        planned: trials of each family in each stage.
        select: the measure by which trials are compared.
        slots: trials that run at once.
    """

    def __init__(self, planned: Mapping[str, dict[str, int]], select: str, slots: int, console: Console) -> None:
        self.planned, self.select, self.slots, self.console = dict(planned), select, slots, console
        self.trials: dict[tuple[str, str], TrialRecord] = {}
        self.stage, self.opened = "", time.monotonic()
        self.notices: list[str] = []
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
                    f"{family}: {count} of {self.planned[stage][family]} trials, since too few finished the search"
                )
        self.planned[stage] = dict(planned)
        self.say(f"{stage}: {sum(planned.values())} trials of {len(planned)} families, {self.slots} at a time")

    def recall(self, records: list[TrialRecord]) -> None:
        """Count what an earlier process left."""
        self.trials = {(record.stage, record.key): record for record in records}

    def __call__(self, record: TrialRecord) -> None:
        known = self.trials.get((record.stage, record.key))
        self.trials[record.stage, record.key] = record
        if record.state in ENDED and not (known and known.state in ENDED) and not self.console.is_terminal:
            self.say(self._line(record))

    def _line(self, record: TrialRecord) -> str:
        ended = sum(other.state in ENDED for other in self._of(record.stage))
        value = selection(record, self.select)
        figure = f"{value:9.3f}" if value is not None else "        -"
        place = f"seed {record.seed}" if record.stage == REPLICATE else f"trial {record.number}"
        name = selected_name(record.measures, self.select) or "-"
        note = record.cause or ("collapsed" if collapsed(record) else "")
        return (
            f"[{ended}/{sum(self.planned[record.stage].values())}] {record.family:<10} {place:<10} {record.state:<9}"
            f" {name} {figure}  {record.seconds:6.1f} s  left {self._left()}  {note}"
        ).rstrip()

    def _of(self, stage: str) -> list[TrialRecord]:
        seen = list(self.trials.items())  # at once, since the live table is drawn by a thread of its own
        return [record for (of, _), record in seen if of == stage]

    def _left(self) -> str:
        """From the mean duration of what has ended in this stage."""
        own = self._of(self.stage)
        ended = [record for record in own if record.state in ENDED]
        if not ended:
            return "unknown yet"
        mean = sum(record.seconds for record in ended) / len(ended)
        seconds = mean * (sum(self.planned[self.stage].values()) - len(ended)) / self.slots
        return duration(seconds)

    def _picture(self) -> Table:
        table = Table(
            title=f"{self.stage or 'starting'}   ran {duration(time.monotonic() - self.opened)}   "
            f"left in this stage {self._left()}"
        )
        for column in ("family", "planned", "running", *STATE_COLUMNS, "best", "collapsed"):
            table.add_column(column, justify="left" if column == "family" else "right")
        for family, planned in self.planned.get(self.stage, {}).items():
            own = [record for record in self._of(self.stage) if record.family == family]
            states = Counter(record.state for record in own)
            values = [value for record in own if (value := selection(record, self.select)) is not None]
            best = f"{min(values):.2f}" if values else "-"
            judged = [record for record in own if record.state in ENDED and "subset/mi" in record.measures]
            share = f"{sum(map(collapsed, judged))} of {len(judged)}"
            counts = [str(states[state]) for state in (RUNNING, *STATE_COLUMNS)]
            table.add_row(family, str(planned), *counts, best, share)
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
