"""Where a study is, as figures: the same whether its own process asks, or another shell that reads its ledger."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from uncollapse.analysis.schema import REPLICATE, SEARCH, STAGES
from uncollapse.study.config.objectives import in_words
from uncollapse.study.execution.view.budget import Budget
from uncollapse.study.execution.view.tallies import Aim, Tallies
from uncollapse.study.outline import Outline
from uncollapse.study.stages.pace import Expected
from uncollapse.study.stages.time_left import Left, TimeLeft, both

Planned = Mapping[str, Mapping[str, int]]  # trials of each family in each stage


class RunningTrial(NamedTuple):
    """A trial on its way.

    Args:
        epoch: under way, from 1.
        epochs: of a whole training.
    """

    stage: str
    family: str
    number: int
    seed: int
    epoch: int
    epochs: int


@dataclass(frozen=True)
class Overview:
    """Where a study is.

    Args:
        study: its name.
        running: whether a process runs it.
        stage: under way or next; "" once all trials have ended.
        ran: wall seconds that it has run.
        left: of each stage; of one, the others before it not counted.
        bound: the measure by which trials are compared.
        best: in words, what `best` is.
        rows: by stage and family, see `Tally.row`.
        trials: on their way; where no process runs the study, to go on.
        budget: what is left of the time that it was given; None where it was given none.
    """

    study: str
    running: bool
    stage: str
    ran: float
    left: Mapping[str, Left]
    bound: str
    best: str
    rows: tuple[Mapping[str, Any], ...]
    trials: tuple[RunningTrial, ...]
    budget: Budget | None = None

    @property
    def left_in_stage(self) -> Left:
        return self.left.get(self.stage, Left(0.0))

    @property
    def left_in_all(self) -> Left:
        return both(self.left[SEARCH], self.left[REPLICATE])

    def of(self, stage: str) -> list[Mapping[str, Any]]:
        """The rows of a stage."""
        return [row for row in self.rows if row["stage"] == stage]

    def plain(self) -> dict[str, Any]:
        """As `status --json` prints it."""
        where = {"study": self.study, "running": self.running, "stage": self.stage or None, "ran_seconds": self.ran}
        left = {
            "left_seconds": self.left_in_all.seconds,
            "stage_left_seconds": self.left_in_stage.seconds,
            "left_is_about": self.left_in_all.about,
            "budget": self.budget and self.budget.plain(),
        }
        trials = [trial._asdict() for trial in self.trials]
        return {**where, **left, "best_is": self.best, "rows": list(self.rows), "running_trials": trials}


class Observer:
    """Learns of a study's trials, and says where it is.

    Args:
        study: its name.
        settings: resolved.
        expected: of each family's trials, where it was calibrated.
    """

    def __init__(self, study: str, settings: Mapping[str, Any], expected: Mapping[str, Expected] | None = None) -> None:
        search = settings["search"]
        self.study, self.epochs = study, settings["train"]["epochs"]
        self.best = in_words(search["select"], search.get("subject_to", {}))
        self.aim = Aim.of(search)
        self.tallies, self.time = Tallies(self.aim), TimeLeft(self.epochs, expected)

    def note(self, record: Outline) -> bool:
        """Learn of a trial as it is now; whether it has just ended."""
        self.time.note(record)
        return self.tallies.note(record)

    def recall(self, records: Sequence[Outline]) -> None:
        """Learn of all trials anew."""
        self.time.recall(records)
        self.tallies.recall(records)

    def left(
        self, stage: str, planned: Planned, slots: int, now: float, budget: Budget | None = None
    ) -> dict[str, Left]:
        """Wall time of each stage.

        Args:
            stage: under way; those before it are over.
            planned: trials of each family in each stage.
            slots: trials that run at once, as far as that is known.
            now: seconds since 1970.
            budget: of the study; no stage lasts longer.
        """
        running = [len(self.tallies.of(one, family).running) for one in STAGES for family in planned[one]]
        places = max(slots, sum(running))
        found = {one: self.time.of(one, self._waiting(one, planned), places, now) for one in STAGES}
        if stage == REPLICATE:
            found[SEARCH] = Left(0.0)
        return found if budget is None else budget.within(found, stage)

    def _waiting(self, stage: str, planned: Planned) -> dict[str, int]:
        return {family: self.tallies.of(stage, family).waiting(count) for family, count in planned[stage].items()}

    def stage(self, planned: Planned) -> str:
        """The first stage of which a trial has not ended; "" where all have."""
        return next((stage for stage in STAGES if self._unfinished(stage, planned)), "")

    def _unfinished(self, stage: str, planned: Planned) -> bool:
        return any(self.tallies.of(stage, family).ended < count for family, count in planned[stage].items())

    def look(
        self,
        planned: Planned,
        slots: int,
        now: float,
        ran: float,
        running: bool,
        stage: str = "",
        budget: Budget | None = None,
    ) -> Overview:
        """Where the study is now.

        Args:
            planned, slots, now, budget: as for `left`.
            ran: seconds that it has run.
            running: whether a process runs it.
            stage: under way, where the caller knows it.
        """
        rows = [
            {"stage": of, "family": family, **self.tallies.of(of, family).row(count, running)}
            for of, counts in planned.items()
            for family, count in counts.items()
        ]
        stage = stage or self.stage(planned)
        return Overview(
            study=self.study,
            running=running,
            stage=stage,
            ran=ran,
            left=self.left(stage, planned, slots, now, budget),
            bound=self.aim.bound,
            best=self.best,
            rows=tuple(rows),
            trials=tuple(self._trials(planned)),
            budget=budget,
        )

    def _trials(self, planned: Planned) -> list[RunningTrial]:
        return [
            RunningTrial(stage, family, one.number, one.seed, min(one.epochs + 1, self.epochs), self.epochs)
            for stage, counts in planned.items()
            for family in counts
            for one in list(self.tallies.of(stage, family).running.values())
        ]
