"""Two studies at once on one cluster and one tracker; and one study started twice at once."""

import os
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.clusters.after_the_night import finished_once, verify
from tests.clusters.postgres import postgres
from tests.support.cluster_nodes import cluster
from tests.support.running_studies import QUIET, command, epochs, figures, left, page, run, running, wait_until
from tests.support.tracking_server import server
from uncollapse.cli.main import USER

pytestmark = [pytest.mark.slow, pytest.mark.cluster]
SIZE = {"search": {"trials": 3, "sampler": "random", "stop_early": "none"}, "train": {"epochs": 4, "batch_size": 16}}
STUDIES = {
    "first": {**SIZE, "families": ["seqvae", "vmf"]},
    "second": {**SIZE, "families": ["seqvae", "lstm_lm"], "seed": 1},
}
TRIALS = 2 * (3 + 1 * 3)


def written(folder: Path, study: str, **changes: Any) -> Path:
    (folder / study).mkdir(exist_ok=True)
    return page(folder / study, study=study, **STUDIES[study], **changes)


def test_two_studies_share_a_cluster_and_a_tracker(tmp_path: Path) -> None:
    alone, together = tmp_path / "alone", tmp_path / "together"
    with ExitStack() as stack:
        store = stack.enter_context(postgres())
        tracker = stack.enter_context(server(tmp_path, store.uri))
        nodes = stack.enter_context(cluster({"cpus": 1}, {"cpus": 1}))
        for study in STUDIES:
            run(written(tmp_path, study), alone, "--address", nodes.address)

        where = ["--address", nodes.address]
        pages = [written(tmp_path, study, tracking=tracker.uri) for study in STUDIES]
        started = [stack.enter_context(running(path, together, path.with_suffix(".log"), *where)) for path in pages]
        wait_until(lambda: all(left(together, study) for study in STUDIES), "both to begin")
        assert all(process.poll() is None for process in started), "both are under way at once"
        codes = [process.wait(timeout=600) for process in started]
        assert codes == [0, 0], "".join(path.with_suffix(".log").read_text()[-3000:] for path in pages)
        for study in STUDIES:
            print(study, verify(together, study))
            finished_once(together, TRIALS, 4, study)
            assert figures(left(together, study)) == figures(left(alone, study)), "as if it had been alone"


def test_a_study_started_twice_at_once_runs_once(tmp_path: Path) -> None:
    runs, study, logs = tmp_path / "runs", page(tmp_path, **SIZE, families=["seqvae"]), [tmp_path / "a", tmp_path / "b"]
    with ExitStack() as stack:
        where = ["--address", stack.enter_context(cluster({"cpus": 1})).address]
        both = [stack.enter_context(running(study, runs, log, *where)) for log in logs]
        wait_until(lambda: any(process.poll() is not None for process in both), "one to be refused")
        loser = next(at for at, process in enumerate(both) if process.poll() is not None)
        winner = both[1 - loser]
        refused(both[loser].returncode, logs[loser].read_text(), winner.pid)

        wait_until(lambda: epochs(runs, "search") >= 2, "two epochs", winner)
        later = command(study, runs, *where)
        third = subprocess.run(later, capture_output=True, text=True, env={**os.environ, **QUIET}, check=False)
        refused(third.returncode, third.stdout + third.stderr, winner.pid)
        assert winner.wait(timeout=300) == 0
    finished_once(runs, 3 + 3, 4)
    verify(runs)


def refused(code: int, said: str, holder: int) -> None:
    """Fails the test unless a run was refused in a sentence that says who runs the study and what to do."""
    print(said)
    assert code == USER, said
    assert f"process {holder} " in said
    assert "uncollapse status" in said
    assert "Traceback" not in said
