"""For how long a study has run: places that train at once count once, and what lay between two processes does not."""

from dataclasses import replace
from typing import Any

from uncollapse.analysis.schema import FINISHED, RUNNING, SEARCH
from uncollapse.study.execution.view.ran import GAP, last_heard, ran_seconds
from uncollapse.study.trial_record import TrialRecord


def trial(*ends: float, seconds: float = 10.0, ended: float = 0.0) -> TrialRecord:
    """A trial whose epochs ended then and took so long each."""
    rows = tuple({"cost/seconds": seconds, "time": end} for end in ends)
    plain: dict[str, Any] = {"configuration_id": "c", "seed": 1, "audit": False, "configuration": {}, "params": {}}
    state = FINISHED if ended else RUNNING
    return TrialRecord(
        f"{ends}", "one", SEARCH, 0, state=state, cause="", epochs=rows, final={}, started=0.0, ended=ended, **plain
    )


def test_epochs_one_after_another_and_beside_one_another() -> None:
    assert ran_seconds([]) == 0.0
    assert ran_seconds([trial(110.0, 120.0)]) == 20.0
    assert ran_seconds([trial(110.0, 120.0), trial(115.0, 125.0)]) == 25.0


def test_a_night_between_two_processes_does_not_count_and_a_short_gap_does() -> None:
    assert ran_seconds([trial(110.0, 110.0 + 8 * 3600)]) == 20.0
    assert ran_seconds([trial(110.0), trial(120.0 + GAP)]) == 20.0 + GAP


def test_measures_after_the_last_epoch_count() -> None:
    assert ran_seconds([trial(110.0, ended=140.0)]) == 40.0
    assert ran_seconds([trial(110.0, ended=110.0 + 8 * 3600)]) == 10.0


def test_a_process_that_runs_counts_as_a_whole() -> None:
    assert ran_seconds([trial(110.0)], [(1000.0, 5000.0)]) == 10.0 + 4000.0


def test_when_something_ended_last() -> None:
    assert last_heard([]) == 0.0
    assert last_heard([trial(110.0, 120.0), trial(115.0)]) == 120.0
    assert last_heard([trial(110.0, ended=140.0), trial(120.0)]) == 140.0


def test_what_another_study_trained_took_no_time_here() -> None:
    taken = replace(trial(110.0, 120.0), reused_from="first")
    assert ran_seconds([taken]) == 0.0
    assert ran_seconds([taken, trial(130.0, 140.0)]) == 20.0
