"""The disk filled up under a running study: a clear stop, nothing corrupted, and it goes on after space is freed."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.full_disk import fill, small_disk
from tests.support.running_studies import epochs, figures, left, page, run, running, wait_until
from uncollapse.analysis.schema import FINISHED, RUNNING

pytestmark = pytest.mark.slow


def test_a_full_disk_stops_the_study_and_costs_an_epoch(tmp_path: Path) -> None:
    study, log = page(tmp_path, train={"epochs": 12, "batch_size": 16}), tmp_path / "log"
    run(study, tmp_path / "undisturbed")
    with small_disk(tmp_path / "disk", megabytes=60) as disk:
        runs = disk / "runs"
        with running(study, runs, log) as process:
            wait_until(lambda: epochs(runs, "search") >= 20, "twenty epochs", process)
            ballast = fill(disk)
            code = process.wait(timeout=120)
        said = log.read_text()
        at_stop = epochs(runs, "search")
        assert code == 1, said[-3000:]
        assert "disk: no space is left" in said
        assert "Traceback" not in said
        assert "failed" not in said, "a full disk is nothing that a trial did"
        before = left(runs)
        assert {record.state for record in before} <= {FINISHED, RUNNING, "missing"}
        ballast.unlink()
        run(study, runs)
        found = left(runs)
        print(
            f"stopped with {at_stop} epochs recorded, {sum(record.state == RUNNING for record in before)} trials under way"
        )
        assert all(record.state == FINISHED for record in found)
        assert figures(found) == figures(left(tmp_path / "undisturbed"))
        verified = subprocess.run(
            [sys.executable, "-P", "-m", "uncollapse", "verify", "faulty", "--runs", str(runs)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert verified.returncode == 0, verified.stdout
