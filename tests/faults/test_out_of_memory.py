"""A trial that takes more memory than its node has: it fails by that name, and the others finish."""

from pathlib import Path

import psutil
import pytest

from tests.support.running_studies import left, page, run
from uncollapse.analysis.schema import FAILED, FINISHED

pytestmark = pytest.mark.slow
ROOM = 4e9  # bytes that the study may take in all; the trial wants 12e9, also where a neighbour leaves meanwhile


def test_a_trial_without_enough_memory_fails_by_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = psutil.virtual_memory()
    monkeypatch.setenv("RAY_memory_usage_threshold", f"{(memory.total - memory.available + ROOM) / memory.total:.3f}")
    monkeypatch.setenv("RAY_memory_monitor_refresh_ms", "100")
    huge = {
        "encoder": {"hidden": 14000},
        "decoder": {"hidden": 24},
        "inputs": {"size": 24},
    }  # only maxpool has an encoder
    search = {"trials": 1, "sampler": "random", "stop_early": "none"}
    sizes = {"search": search, "replicate": {"configurations": 1, "seeds": 1}, "train": {"epochs": 3, "batch_size": 16}}
    run(page(tmp_path, families=["maxpool", "lstm_lm"], override=huge, **sizes), tmp_path / "runs")
    by_place = {(record.family, record.stage): record for record in left(tmp_path / "runs")}
    print(by_place["maxpool", "search"].cause)
    assert by_place["maxpool", "search"].state == FAILED
    assert by_place["maxpool", "search"].cause.endswith("its node ran out of memory and Ray killed it")
    assert by_place["lstm_lm", "search"].state == FINISHED
    assert by_place["lstm_lm", "replicate"].state == FINISHED
