"""The budget of a study over its runs: what was chosen stays, time that was used counts, more time goes on."""

import datetime
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.support import trial_records
from uncollapse.study.config.study_page import Study
from uncollapse.study.corpora.prepare import prepare
from uncollapse.study.execution import timekeeping
from uncollapse.study.execution.timekeeping import Timekeeper, timekeeper
from uncollapse.study.execution.view.budget import Budget, budget_of
from uncollapse.study.planning.budget import Numbers
from uncollapse.study.planning.frozen import frozen_of
from uncollapse.study.planning.resume import begin
from uncollapse.study.stages.pace import Expected
from uncollapse.study.stages.timetable import NO_DEADLINE
from uncollapse.study.storage.ledger import Ledger
from uncollapse.study.storage.tables import recorded
from uncollapse.study.storage.time_used import time_used
from uncollapse.study.storage.workspace import Workspace

EXPECTED = {"one": Expected(1.0, 5.0), "two": Expected(1.0, 5.0)}
START = 1_800_000_000.0


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    clock = SimpleNamespace(at=START)
    monkeypatch.setattr(timekeeping.time, "time", lambda: clock.at)
    monkeypatch.setattr(timekeeping.time, "monotonic", lambda: clock.at)
    return clock


class Place:
    """A study that is run now and then, without training anything."""

    def __init__(self, folder: Path, now: SimpleNamespace) -> None:
        self.folder, self.now, self.workspace = folder, now, Workspace(folder, "runs")
        self.corpus = prepare({"name": "cafes", "sentences": 100}, folder / "cache", folder)
        self.said: list[str] = []

    def page(self, hours: float | None) -> Study:
        corpus = {"corpus": {"name": "cafes", "sentences": 100}}
        export = {"collapse_limit": 0.4}  # that five seeds without a collapse keep, and three do not
        replicate = {"configurations": 3, "seeds": 10}
        study = trial_records.study(self.folder, replicate=replicate, export=export, **corpus)
        return replace(study, search=replace(study.search, trials=24, stop_early="none", hours=hours))

    def run(self, hours: float | None = 0.25, until: datetime.datetime | None = None) -> Timekeeper:
        """As the driver begins."""
        keeper = timekeeper(self.page(hours), self.workspace, until, self.now.at)
        begun = self.workspace.recorded
        begin(keeper.study, self.workspace, "mine.yaml", self.corpus, keeper.facts())
        if keeper.unsettled:
            keeper.settle(EXPECTED, 2, not begun, self.said.append)
            begin(keeper.study, self.workspace, "mine.yaml", self.corpus, keeper.facts())
        return keeper

    def ledger(self) -> Ledger:
        return Ledger(self.workspace.folder, "mine", write=True)

    def left(self, keeper: Timekeeper) -> float:
        """Seconds left for training."""
        ledger = self.ledger()
        keeper.times(ledger, recorded(ledger))
        return keeper.deadline.left

    def train(self, keeper: Timekeeper, stage: str = "search") -> None:
        """One trial."""
        made = trial_records.search if stage == "search" else trial_records.replicate
        trial_records.run(made(keeper.study, self.folder), trials=1)


@pytest.fixture
def place(tmp_path: Path, now: SimpleNamespace) -> Place:
    return Place(tmp_path, now)


def test_what_was_chosen_stays_over_restarts_and_is_said_once(place: Place) -> None:
    first = place.run()
    # 900 s: 846 s free, 42 runs of 14.5 s on two places 311.75 s, (846 - 311.75) / 9.5
    assert Numbers.of(first.study) == Numbers(56, 9, 3, 7)
    assert "0.25 h: about 56 search trials a family" in place.said[0]
    place.train(first)
    again = place.run(hours=0.1)  # too little for so much, and it is not asked again
    assert Numbers.of(again.study) == Numbers(56, 9, 3, 7)
    assert sum("about" in line for line in place.said) == 1
    assert Numbers.of(place.run(hours=None).study) == Numbers(56, 9, 3, 7)


def test_before_the_first_trial_there_is_nothing_to_keep(place: Place) -> None:
    place.run()
    assert Numbers.of(place.run(hours=0.05).study).seeds == 5


def test_what_ray_and_calibration_took_is_time_of_the_study(place: Place) -> None:
    keeper = timekeeper(place.page(0.25), place.workspace, None, START - 300)
    keeper.settle(EXPECTED, 2, True, place.said.append)
    assert Numbers.of(keeper.study).trials < 56


def test_time_that_was_used_counts_and_what_lies_between_runs_does_not(place: Place) -> None:
    first = place.run()
    assert place.left(first) == 900 - 24  # the report's share
    place.now.at += 200
    place.train(first)
    place.now.at += 5000  # nobody runs it
    again = place.run()
    assert place.left(again) == pytest.approx(900 - 24 - 200, abs=1.0)
    place.now.at += 50
    assert again.deadline.left == pytest.approx(900 - 24 - 250, abs=1.0)


def test_a_pause_is_no_time_of_the_study(place: Place) -> None:
    keeper = place.run()
    place.train(keeper)
    place.left(keeper)
    place.now.at += 1000
    keeper.go_on(1000.0, place.workspace)
    assert keeper.deadline.left == 900 - 24
    place.now.at += 30
    place.train(keeper)
    assert place.left(place.run()) == pytest.approx(900 - 24 - 30, abs=1.0)


def test_the_earlier_of_hours_and_a_named_moment_counts(place: Place) -> None:
    keeper = place.run(until=datetime.datetime.fromtimestamp(START + 600))
    assert place.left(keeper) == 600 - 18
    assert keeper.words.startswith("0.25 h or until 2027-01-15")


def test_the_search_is_closed_once_confirmation_has_begun_until_more_time_is_given(place: Place) -> None:
    def search_goes_on(hours: float) -> bool:
        keeper, ledger = place.run(hours), place.ledger()
        return keeper.times(ledger, recorded(ledger))[0].search.starts("one")

    keeper = place.run()
    place.train(keeper)
    place.now.at += 1
    place.train(keeper, "replicate")
    place.now.at += 1
    assert not search_goes_on(0.25)
    assert search_goes_on(0.5)


def test_another_process_reads_the_same_time_left(place: Place) -> None:
    def both(keeper: Timekeeper) -> tuple[Budget | None, Budget | None]:
        records = recorded(place.ledger())
        return keeper.left(), budget_of(frozen_of(place.workspace), records, place.now.at, running=True)

    keeper = place.run()
    place.train(keeper)
    place.left(keeper)
    place.now.at += 100
    own, read = both(keeper)
    assert own == read == Budget("0.25 h", 800.0, 24.0, beyond=True)
    place.now.at += 7000  # nobody runs it
    again = place.run(hours=0.5, until=datetime.datetime.fromtimestamp(place.now.at + 600))
    place.left(again)
    place.now.at += 60
    own, read = both(again)
    assert own == read
    assert own is not None
    assert own.seconds == 540.0


def test_a_run_without_a_deadline_has_no_time_left_to_say(place: Place) -> None:
    keeper = place.run(hours=None)
    place.left(keeper)
    assert keeper.left() is None
    assert keeper.expected == {}
    assert place.run().expected == EXPECTED


def test_a_study_without_a_budget_has_no_deadline(place: Place) -> None:
    keeper, ledger = place.run(hours=None), place.ledger()
    assert keeper.times(ledger, recorded(ledger)) == (NO_DEADLINE, ())
    assert keeper.facts() is None
    assert keeper.parting([]) == ""


def test_a_study_under_way_that_is_given_hours_keeps_its_numbers(place: Place) -> None:
    place.train(place.run(hours=None))
    keeper, ledger = place.run(hours=0.25), place.ledger()
    assert Numbers.of(keeper.study) == Numbers(24, 9, 3, 10)
    assert not keeper.times(ledger, recorded(ledger))[0].search.beyond


def test_runs_that_found_no_time_are_said_with_the_remedy(place: Place) -> None:
    keeper = place.run()
    trial_records.run(trial_records.search(keeper.study, place.folder), trials=4)
    place.train(keeper, "replicate")
    assert "confirmation runs found none; raise search.hours" in keeper.parting(recorded(place.ledger()))


def test_used_time_is_of_each_process_to_its_last_record(tmp_path: Path) -> None:
    def trial(started: float, ended: float, *epochs: float) -> SimpleNamespace:
        return SimpleNamespace(started=started, ended=ended, spans=[(at - 5.0, at) for at in epochs])

    records = [trial(110.0, 150.0, 120.0, 130.0), trial(130.0, 0.0, 190.0), trial(1005.0, 1020.0, 1010.0)]
    assert time_used([100.0, 500.0, 1000.0], records) == 90 + 0 + 20
    assert time_used([100.0, 500.0], records, 1000.0) == 90
    assert time_used([], records) == 0
