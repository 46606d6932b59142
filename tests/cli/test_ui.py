"""`ui` serves MLflow's page on this machine alone."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.support.cluster_nodes import free_port
from tests.support.mlflow_database import opened
from tests.support.running_studies import wait_until
from tests.support.tracking_server import healthy
from uncollapse.cli.main import main


def test_without_a_database_it_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ui", "--runs", str(tmp_path)]) == 2
    assert "no mlflow.db" in capsys.readouterr().err


@pytest.mark.slow
def test_it_listens_on_loopback_only(tmp_path: Path) -> None:
    opened(tmp_path)
    port = free_port()
    command = [sys.executable, "-P", "-m", "uncollapse", "ui", "--runs", str(tmp_path), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        wait_until(lambda: healthy(f"http://127.0.0.1:{port}"), "MLflow's page", process)
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        listening = {
            connection.laddr.ip
            for member in family
            for connection in member.net_connections(kind="inet")
            if connection.status == psutil.CONN_LISTEN
        }
        assert listening == {"127.0.0.1"}
    finally:
        for member in [*psutil.Process(process.pid).children(recursive=True), process]:
            member.kill()
        process.communicate()
