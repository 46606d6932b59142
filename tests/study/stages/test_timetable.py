"""A study's time in its stages: deadline, pace of trials, what starts, and what is stopped; clocks are handed in."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.support import trial_records
from uncollapse.analysis.schema import FINISHED, REPLICATE, RUNNING, SEARCH
from uncollapse.study.stages.deadline import Deadline
from uncollapse.study.stages.pace import Expected, Pace
from uncollapse.study.stages.replicate import ReplicateStage
from uncollapse.study.stages.runs_to_come import RunsToCome
from uncollapse.study.stages.search import SearchStage
from uncollapse.study.stages.timetable import ConfirmationTime, SearchTime, makespan
from uncollapse.study.storage.ledger import Ledger
from uncollapse.study.trial_record import TrialRecord


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Told:
    """A timetable that says what it is told to."""

    beyond: bool = False
    over: bool = False
    fits: tuple[str, ...] = ("one", "two")

    def starts(self, family: str) -> bool:
        return family in self.fits


def record(stage: str, epochs: int, seconds: float, started: float = 0.0, after: float = 0.0) -> TrialRecord:
    """A trial of family `one` that finished, each epoch taking so many seconds, the first begun when it started."""
    every = tuple({"cost/seconds": seconds, "time": started + seconds * n} for n in range(1, epochs + 1))
    ended, key = started + seconds * epochs + after, f"{stage}{started}"
    return TrialRecord(key, "one", stage, 0, "c", 1, False, {}, {}, FINISHED, "", every, {}, started, ended)


def pace(since: float = 0.0) -> Pace:
    return Pace({"one": Expected(1.0, 5.0)}, epochs=10, share=0.6, since=since)


def test_a_deadline_is_whichever_comes_first_less_what_the_report_takes() -> None:
    clock, calendar = Clock(), Clock()
    both = Deadline(100.0, 1000.0, 10.0, clock, calendar)
    assert both.left == 90.0
    calendar.now = 950.0
    assert both.left == 40.0  # until the named moment
    clock.now = 95.0
    assert both.left == -5.0
    both.postpone(50.0)
    assert both.left == 40.0  # a pause moves the hours and not the moment


def test_a_pace_begins_with_what_was_calibrated() -> None:
    assert pace().search("one") == 6 * 1.0 + 0.5
    assert pace().confirmation("one") == 10 * 1.0 + 5.0 + 0.5
    assert pace().search("of a family that came later") == 6.5
    assert pace().stage_start == 15.0


def test_a_pace_leans_on_the_calibration_at_first_and_learns() -> None:
    learned = pace()
    learned(record(SEARCH, 10, 2.0))
    # all epochs: (20 + 20) / (10 + 20) times as slow; an epoch: (20 + 20 x 4/3) / 30; epochs of a trial: (10 + 12) / 3
    assert learned.search("one") == pytest.approx(22 / 3 * (140 / 90) + 0.5)
    for at in range(1, 200):
        learned(record(SEARCH, 10, 2.0, started=100.0 * at))
    assert learned.search("one") == pytest.approx(20.5, rel=0.02)
    assert learned.confirmation("one") == pytest.approx(20 + 10 + 0.5, rel=0.02)  # the full measures are slower too
    learned(record(REPLICATE, 4, 3.0, started=1e5, after=7.0))
    assert learned.confirmation("one") == 12 + 7 + 0.5


def test_a_pace_counts_a_trial_once_however_often_it_reports() -> None:
    once, often = pace(), pace()
    whole = record(SEARCH, 10, 2.0)
    once(whole)
    for count in range(1, 11):
        often(replace(whole, state=RUNNING, epochs=whole.epochs[:count]))
    often(whole)
    assert often.search("one") == once.search("one")
    assert (often.changes, once.changes) == (1, 1)


def test_a_run_that_was_interrupted_is_not_timed_whole() -> None:
    learned = pace(since=500.0)
    learned(record(REPLICATE, 10, 1.0, started=100.0, after=900.0))
    assert learned.confirmation("one") == 15.5


def test_a_pace_learns_how_long_workers_take_to_start() -> None:
    learned, late = pace(since=50.0), record(SEARCH, 3, 2.0, started=112.0)
    learned(replace(late, started=100.0))
    assert learned.stage_start == 3.0 + 12.0
    learned(record(SEARCH, 3, 2.0, started=130.0))
    assert learned.stage_start == 15.0  # a worker that was there already says nothing of it


def test_runs_on_places_take_no_longer_than_grahams_bound() -> None:
    assert makespan({"one": 15.5}, {"one": 4}, 2) == 4 * 15.5 / 2 + 15.5 / 2
    assert makespan({"one": 10.0, "two": 1.0}, {"one": 1, "two": 5}, 1) == 15.0
    assert makespan({}, {}, 3) == 0.0


def test_the_search_leaves_the_confirmation_its_time() -> None:
    clock = Clock()
    time = SearchTime(Deadline(200.0, reserve=10.0, clock=clock), pace(), lambda: {"one": 4}, lambda: 2)
    assert time.left == 200 - 10 - (15 + 31 + 7.75)
    assert time.starts("one")
    clock.now = 130.0
    assert not time.starts("one")  # 6.25 s, and a trial takes 6.5
    assert not time.over
    clock.now = 136.5
    assert time.over
    unconfirmed = SearchTime(Deadline(200.0, reserve=10.0, clock=clock), pace(), lambda: {"one": 0}, lambda: 2)
    assert unconfirmed.need == 0


def test_a_search_whose_confirmation_has_begun_is_closed() -> None:
    time = SearchTime(Deadline(1e6), pace(), lambda: {"one": 4}, lambda: 2, closed=True)
    assert time.over
    assert not time.starts("one")


def test_a_confirmation_run_starts_where_it_ends_in_time() -> None:
    clock = Clock()
    time = ConfirmationTime(Deadline(100.0, reserve=10.0, clock=clock), pace())
    clock.now = 74.5
    assert time.starts("one")
    clock.now = 74.6
    assert not time.starts("one")
    assert not time.over


def search(tmp_path: Path, time: Told) -> SearchStage:
    return SearchStage(trial_records.study(tmp_path), "corpus", trial_records.recorder(tmp_path), timetable=time)


def test_a_search_goes_on_past_what_was_planned_while_there_is_time(tmp_path: Path) -> None:
    time = Told(beyond=True)
    stage = search(tmp_path, time)
    assert len(trial_records.run(stage, trials=16)) == 16
    assert stage.planned() == {"one": 8, "two": 8}
    time.fits = ()
    assert stage.next_trial() is None
    assert not stage.left()


def test_no_family_gets_ahead_of_one_that_has_no_time(tmp_path: Path) -> None:
    time = Told(beyond=True)
    stage = search(tmp_path, time)
    trial_records.run(stage, trials=3)
    time.fits = ("one",)
    assert stage.next_trial() is None  # it would be of `two`
    time.fits = ("two",)
    assert stage.next_trial().family == "two"


def test_a_running_trial_is_stopped_when_the_time_is_over_unless_it_has_ended(tmp_path: Path) -> None:
    time = Told()
    stage = search(tmp_path, time)
    trial = stage.next_trial()
    half = stage.recorder.epoch(trial.key, trial_records.epoch_record(1, 5.0))
    assert not stage.out_of_time(half)
    time.over = True
    assert stage.out_of_time(half)
    for number in range(2, trial_records.EPOCHS + 1):
        whole = stage.recorder.epoch(trial.key, trial_records.epoch_record(number, 5.0))
    assert not stage.out_of_time(whole)


def test_what_was_running_stays_so_when_the_time_is_over_and_goes_on_with_more(tmp_path: Path) -> None:
    running = search(tmp_path, Told()).next_trial()
    late = search(tmp_path, Told(over=True, fits=()))
    assert not late.left()
    assert late.next_trial() is None
    assert search(tmp_path, Told()).next_trial().key == running.key


def test_confirmation_starts_only_what_ends_in_time_and_keeps_the_rest_planned(tmp_path: Path) -> None:
    study = trial_records.study(tmp_path, search={"stop_early": "none"})
    trial_records.run(trial_records.search(study, tmp_path))
    stage = ReplicateStage(study, "corpus", trial_records.recorder(tmp_path), Told(fits=("two",)))
    assert {record.family for record in trial_records.run(stage)} == {"two"}
    assert not stage.left()
    again = trial_records.replicate(study, tmp_path)
    assert {record.family for record in trial_records.run(again)} == {"one"}
    assert not again.left()


def test_runs_to_come_are_those_of_what_is_found_so_far(tmp_path: Path) -> None:
    study = trial_records.study(tmp_path, search={"stop_early": "none"}, replicate={"also": ["base"]})

    def to_come() -> dict[str, int]:
        return RunsToCome(study, Ledger(tmp_path / "runs", "mine"))()

    assert to_come() == {"one": 3, "two": 3}  # the base, three seeds
    trial_records.run(trial_records.search(study, tmp_path))
    assert to_come() == {"one": 9, "two": 9}
    trial_records.run(trial_records.replicate(study, tmp_path), trials=4)
    assert to_come() == {"one": 7, "two": 7}
