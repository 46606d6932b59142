"""What a person sees while a study runs: trials by state, best per family, collapsed so far, time left."""

import sys
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table

from uncollapse.analysis.schema import MISSING, REPLICATE, RUNNING
from uncollapse.analysis.verdict_rule import collapsed
from uncollapse.study.durations import duration
from uncollapse.study.execution.tallies import Tallies, cells, heads, mean_seconds
from uncollapse.study.trial_record import TrialRecord, selected_name, selection


class Progress:
    """A live table on a terminal; a line an ended trial elsewhere.

    Args:
        planned: trials of each family in each stage.
        select: the measure by which trials are compared.
        slots: trials that run at once.
        console: on which it is shown.
        time_left: seconds of the study's training, where it has a deadline.
    """

    def __init__(
        self,
        planned: Mapping[str, dict[str, int]],
        select: str,
        slots: int,
        console: Console,
        time_left: Callable[[], float] | None = None,
    ) -> None:
        self.planned, self.select, self.slots, self.console = dict(planned), select, slots, console
        self.time_left = time_left
        self.tallies = Tallies(select)
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
        self.tallies.recall(records)

    def __call__(self, record: TrialRecord) -> None:
        if self.tallies.note(record) and not self.console.is_terminal:
            self.say(self._line(record))

    def _line(self, record: TrialRecord) -> str:
        """What is said of a trial that has just ended."""
        ended = sum(tally.ended for tally in self.tallies.of_stage(record.stage))
        whole = max(ended, sum(self.planned[record.stage].values()))  # a budget of hours may go past what was planned
        value = selection(record, self.select)
        figure = f"{value:9.3f}" if value is not None else "        -"
        place = f"seed {record.seed}" if record.stage == REPLICATE else f"trial {record.number}"
        name = selected_name(record.measures, self.select) or "-"
        note = record.cause or ("collapsed" if collapsed(record.measures) else "")
        return (
            f"[{ended}/{whole}] {record.family:<10} {place:<10} {record.state:<9}"
            f" {name} {figure}  {record.seconds:6.1f} s  left {self._left()}  {note}"
        ).rstrip()

    def _left(self) -> str:
        """Of the study's time, where it has a deadline; else of this stage, by the mean duration of what has ended."""
        if self.time_left is not None:
            return duration(max(0.0, self.time_left()))
        own = self.tallies.of_stage(self.stage)
        if (mean := mean_seconds(own)) is None:
            return "unknown yet"
        left = sum(self.planned[self.stage].values()) - sum(tally.ended for tally in own)
        return duration(mean * left / self.slots)

    def _picture(self) -> Table:
        ran = duration(time.monotonic() - self.opened)
        of = "in this stage" if self.time_left is None else "for training"
        table = Table(title=f"{self.stage or 'starting'}   ran {ran}   left {of} {self._left()}")
        for at, column in enumerate(heads(self._row("", 0))):
            table.add_column(column, justify="right" if at else "left")
        for family, planned in self.planned.get(self.stage, {}).items():
            table.add_row(*cells(self._row(family, self._at_least(family, planned))))
        return table

    def _at_least(self, family: str, planned: int) -> int:
        """What was planned or, where a study that has a deadline went past it, what there is."""
        own = self.tallies.of(self.stage, family)
        return planned if self.time_left is None else max(planned, own.ended + own.states[RUNNING])

    def _row(self, family: str, planned: int) -> dict[str, Any]:
        counts = self.tallies.of(self.stage, family).row(planned)
        return {"family": family, **{name: value for name, value in counts.items() if name != MISSING}}
