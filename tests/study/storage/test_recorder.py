"""The book: everything is recorded once, and listeners hear of it."""

from pathlib import Path

import pytest

from tests.support import trial_records
from tests.support.trial_records import epoch_record
from uncollapse.analysis.schema import DIVERGED, FAILED, FINISHED, RUNNING, STOPPED
from uncollapse.study.execution.job import job_of
from uncollapse.study.storage.recorder import Recorder
from uncollapse.study.trial_record import TrialRecord


def started(folder: Path) -> tuple[Recorder, str, list[TrialRecord]]:
    heard: list[TrialRecord] = []
    recorder = trial_records.recorder(folder, heard.append)
    asked = recorder.ledger.study("search", "one").ask()
    recorder.ledger.describe(asked._trial_id, {"key": "k", "family": "one", "stage": "search", "configuration": {}})
    record = recorder.start(asked._trial_id)
    return recorder, record.key, heard


def test_an_epoch_is_recorded_once_however_often_it_is_reported(tmp_path: Path) -> None:
    recorder, key, heard = started(tmp_path)
    assert len(recorder.epoch(key, epoch_record(1, 9.0)).epochs) == 1
    assert recorder.epoch(key, epoch_record(1, 7.0)) is None
    assert len(recorder.epoch(key, epoch_record(2, 8.0)).epochs) == 2
    assert [len(record.epochs) for record in heard] == [0, 1, 2]
    assert heard[-1].epochs[0]["subset/nll_iw"] == 9.0


def test_the_sampler_sees_the_selected_measure(tmp_path: Path) -> None:
    recorder, key, _ = started(tmp_path)
    recorder.epoch(key, epoch_record(1, 9.0))
    recorder.epoch(key, {"epoch": 2.0, "subset/nll_exact": 4.0, "cost/seconds": 1.0})
    (trial,) = recorder.ledger.trials("search", "one")
    assert trial.intermediate_values == {1: 9.0, 2: 4.0}
    recorder.finish(key, {})
    assert recorder.ledger.trials("search", "one")[0].value == 4.0


@pytest.mark.parametrize(
    ("end", "state", "cause"),
    [
        (lambda recorder: recorder.finish("k", {"valid/kl": 1.0}), FINISHED, ""),
        (lambda recorder: recorder.stop("k"), STOPPED, ""),
        (lambda recorder: recorder.diverge("k", "the loss became nan"), DIVERGED, "the loss became nan"),
        (lambda recorder: recorder.fail("k", "its process died"), FAILED, "its process died"),
    ],
)
def test_a_trial_ends_once(tmp_path: Path, end: object, state: str, cause: str) -> None:
    recorder, key, heard = started(tmp_path)
    recorder.epoch(key, epoch_record(1, 9.0))
    end(recorder)
    heard_before = len(heard)
    recorder.fail(key, "late")
    recorder.finish(key, {"valid/kl": 2.0})
    assert recorder.epoch(key, epoch_record(2, 8.0)) is None
    record = recorder.ledger.record(recorder.trial_ids[key])
    assert (record.state, record.cause, len(record.epochs)) == (state, cause, 1)
    assert record.final == ({"valid/kl": 1.0} if state == FINISHED else {})
    assert len(heard) == heard_before
    assert heard[-1] == record


def test_a_trial_may_start_again_after_a_restart(tmp_path: Path) -> None:
    recorder, key, _ = started(tmp_path)
    recorder.epoch(key, epoch_record(1, 9.0))
    again = trial_records.recorder(tmp_path)
    record = again.start(recorder.trial_ids[key])
    assert (record.state, len(record.epochs)) == (RUNNING, 1)
    assert again.epoch(key, epoch_record(1, 9.0)) is None
    assert len(again.epoch(key, epoch_record(2, 8.0)).epochs) == 2


def test_a_job_holds_what_a_worker_needs(tmp_path: Path) -> None:
    recorder, key, _ = started(tmp_path)
    job = job_of(recorder.ledger.record(recorder.trial_ids[key]), {"epochs": 3})
    assert job == {"epochs": 3, "key": "k", "stage": "search", "seed": 0, "configuration": {}}
