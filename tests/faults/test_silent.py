"""Trials that say nothing: one whose epoch takes too long, and one whose process is frozen."""

import os
import signal
from pathlib import Path

import psutil
import pytest

from tests.faults.long_trial import LONG, workers_of
from tests.support.running_studies import epochs, figures, left, page, run, running, wait_until
from uncollapse.analysis.schema import FAILED, FINISHED

pytestmark = pytest.mark.slow


def test_a_trial_that_never_ends_its_epoch_fails_with_the_place(tmp_path: Path) -> None:
    slow = {**LONG, "families": ["maxpool", "lstm_lm"], "train": {"epochs": 2, "batch_size": 16}}
    wide = {
        "encoder": {"hidden": 1600},
        "decoder": {"hidden": 24},
        "inputs": {"size": 24},
    }  # only maxpool has an encoder
    study = page(tmp_path, **slow, override=wide, resources={"epoch_seconds": 8})
    run(study, tmp_path / "runs")
    by_family = {record.family: record for record in left(tmp_path / "runs") if record.stage == "search"}
    hung = by_family["maxpool"]
    print(hung.cause)
    assert hung.state == FAILED
    assert "died 2 times" in hung.cause, "one hang is forgiven"
    assert "no epoch within 8 s, resources.epoch_seconds; it was in File" in hung.cause
    assert by_family["lstm_lm"].state == FINISHED, "the others are not touched"


def test_a_frozen_process_is_replaced(tmp_path: Path) -> None:
    study, runs, log = page(tmp_path, **LONG, resources={"epoch_seconds": 10}), tmp_path / "runs", tmp_path / "log"
    run(study, tmp_path / "undisturbed")
    with running(study, runs, log) as process:
        wait_until(lambda: epochs(runs, "search") >= 8, "eight epochs", process)
        frozen = workers_of(psutil.Process(process.pid))
        for worker in frozen:
            os.kill(worker.pid, signal.SIGSTOP)
        assert process.wait(timeout=300) == 0, log.read_text()[-3000:]
    assert frozen
    assert "it goes on elsewhere (no epoch within 10 s" in log.read_text()
    assert all(record.state == FINISHED for record in left(runs))
    assert figures(left(runs)) == figures(left(tmp_path / "undisturbed"))
