"""What a person sees while a study runs: a live table on a terminal, elsewhere a line an ended trial."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.live import Live

from uncollapse.analysis.counted import counted
from uncollapse.analysis.schema import REPLICATE, SEARCH
from uncollapse.analysis.verdict_rule import collapsed
from uncollapse.study.config.study_page import planned
from uncollapse.study.execution.view.budget import Budget
from uncollapse.study.execution.view.overview import Observer, Overview
from uncollapse.study.execution.view.picture import Picture, left
from uncollapse.study.execution.view.ran import ran_seconds
from uncollapse.study.execution.view.screen import Screen
from uncollapse.study.stages.pace import Expected
from uncollapse.study.trial_record import TrialRecord, selected_name, selection

FEWER = {
    SEARCH: "its space holds no more configurations",
    REPLICATE: "too few trials of the search finished within its limits",
}
VERDICTS = {True: "collapsed", False: "alive", None: "-"}


class Progress:
    """A live table on a terminal; a line an ended trial elsewhere.

    Args:
        study: its name.
        settings: resolved.
        slots: trials that run at once now, while nodes come and go.
        console: on which it is shown.
        budget: what is left of the study's time, asked again and again; None where it was given none.
        expected: of each family's trials, where it was calibrated.
    """

    def __init__(
        self,
        study: str,
        settings: Mapping[str, Any],
        slots: Callable[[], int],
        console: Screen,
        budget: Callable[[], Budget | None] = lambda: None,
        expected: Mapping[str, Expected] | None = None,
    ) -> None:
        self.planned, self.slots, self.console, self.budget = planned(settings), slots, console, budget
        self.observer = Observer(study, settings, expected)
        self.stage, self.opened, self.earlier = "", time.monotonic(), 0.0
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
        self.console.say(sentence)

    def enter(self, stage: str, planned: Mapping[str, int]) -> None:
        """A stage begins, with what it really has to train."""
        self.stage = stage
        for family, count in planned.items():
            if count < self.planned[stage][family]:
                self.say(f"{family}: {count} of {counted(self.planned[stage][family], 'trial')}, since {FEWER[stage]}")
        self.planned[stage] = dict(planned)
        self.say(
            f"{stage}: {counted(sum(planned.values()), 'trial')} of {counted(len(planned), 'family')}, "
            f"{self.slots()} at a time"
        )

    def recall(self, records: Sequence[TrialRecord]) -> None:
        """Count what an earlier process left."""
        self.observer.recall(records)
        self.earlier = ran_seconds(records)

    def __call__(self, record: TrialRecord) -> None:
        if self.observer.note(record) and not self.console.is_terminal:
            self.say(self._line(record))

    def overview(self) -> Overview:
        """Where the study is now."""
        ran = self.earlier + time.monotonic() - self.opened
        return self.observer.look(
            self.planned, self.slots(), time.time(), ran, running=True, stage=self.stage, budget=self.budget()
        )

    def _picture(self) -> Picture:
        overview = self.overview()
        return Picture(overview, [overview.stage])

    def _line(self, record: TrialRecord) -> str:
        """What is said of a trial that has just ended."""
        counts = self.planned[record.stage]
        tallies = {family: self.observer.tallies.of(record.stage, family) for family in counts}
        ended = sum(tally.ended for tally in tallies.values())
        whole = sum(tally.at_least(counts[family]) for family, tally in tallies.items())
        place = f"seed {record.seed}" if record.stage == REPLICATE else f"trial {record.number}"
        which = f"[{ended}/{whole}] {record.family:<10} {place:<10} {record.state:<9}"
        note = record.cause or (f"taken over from {record.reused_from}" if record.reused_from else "")
        return f"{which} {self._figures(record)}  left {self._left(record.stage)}  {note}".rstrip()

    def _figures(self, record: TrialRecord) -> str:
        """Value and verdict, the epoch whose weights they are of, and seconds of all epochs."""
        value, name = (
            selection(record, self.observer.aim.bound),
            selected_name(record.measures, self.observer.aim.bound),
        )
        figure = f"{name} {value:9.3f}" if value is not None else f"-{'-':>10}"
        kept = record.kept_epoch or len(record.epochs)
        of = f"epoch {kept} of {len(record.epochs)}" if record.epochs else "no epoch"
        return f"{figure}  {VERDICTS[collapsed(record.measures)]:<9}  {of:<14} {record.seconds:6.1f} s"

    def _left(self, stage: str) -> str:
        return left(stage, self.observer.left(stage, self.planned, self.slots(), time.time(), self.budget()))
