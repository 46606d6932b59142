"""The tracking server stopped in mid-study: the study is not delayed, and every metric is in MLflow at the end."""

import time
from pathlib import Path

import pytest

from tests.support.cluster_nodes import free_port
from tests.support.running_studies import epochs, left, mlflow_runs, page, running, wait_until
from tests.support.tracking_server import server
from uncollapse.analysis.schema import ENDED
from uncollapse.study.config.study_page import load
from uncollapse.study.storage.workspace import Workspace
from uncollapse.study.tracking.verification import differences

pytestmark = pytest.mark.slow
SECONDS_AWAY = 60


def test_a_minute_without_the_server_costs_nothing(tmp_path: Path) -> None:
    port, runs = free_port(), tmp_path / "runs"
    study = page(tmp_path, tracking=f"http://127.0.0.1:{port}", train={"epochs": 25, "batch_size": 8})
    with server(tmp_path, port=port):
        context = running(study, runs, tmp_path / "log")
        process = context.__enter__()
        wait_until(lambda: epochs(runs, "search") >= 10, "ten epochs", process)
        before = epochs(runs, "search")
    away = time.monotonic()
    ended_away = 0
    while time.monotonic() - away < SECONDS_AWAY and process.poll() is None:
        time.sleep(0.5)
        ended_away = epochs(runs, "search") + epochs(runs, "replicate") - before
    assert ended_away > 0, "the study goes on without its server"
    with server(tmp_path, port=port) as tracker:
        process.wait(timeout=300)
        context.__exit__(None, None, None)
        said = (tmp_path / "log").read_text()
        assert process.returncode == 0, said[-3000:]
        assert "MLflow does not answer" in said
        assert "MLflow answers again" in said
        workspace = Workspace(runs, load(study).name)
        compared, found = differences(workspace, workspace.read_facts())
        print(f"{ended_away} epochs recorded while away; compared {compared}")
        assert found == []
        assert all(record.state in ENDED for record in left(runs))
        assert [run.info.run_name for run in mlflow_runs(runs, uri=tracker.uri) if run.info.status == "RUNNING"] == []
