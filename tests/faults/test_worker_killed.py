"""A worker killed in mid-trial: the trial goes on from its checkpoint and ends with undisturbed figures."""

import os
import signal
from pathlib import Path

import psutil
import pytest

from tests.faults.long_trial import LONG, workers_of
from tests.support.running_studies import epochs, figures, left, page, run, running, wait_until
from uncollapse.analysis.schema import FINISHED

pytestmark = pytest.mark.slow


def test_a_killed_worker_costs_nothing_but_time(tmp_path: Path) -> None:
    study = page(tmp_path, **LONG)
    run(study, tmp_path / "undisturbed")
    runs = tmp_path / "killed"
    with running(study, runs, tmp_path / "log") as process:
        wait_until(lambda: epochs(runs, "search") >= 8, "eight epochs", process)
        victims = workers_of(psutil.Process(process.pid))
        assert victims, "a worker that trains"
        for victim in victims:
            os.kill(victim.pid, signal.SIGKILL)
        at_kill = epochs(runs, "search")
        process.wait(timeout=240)
    assert process.returncode == 0, (tmp_path / "log").read_text()[-3000:]
    print(f"killed {len(victims)} worker after {at_kill} of 30 epochs")
    assert at_kill < 30, "the kill came in mid-trial"
    found = left(runs)
    assert [record.state for record in found] == [FINISHED, FINISHED]
    assert figures(found) == figures(left(tmp_path / "undisturbed"))
