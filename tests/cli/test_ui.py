"""`ui` serves MLflow's page on this machine alone."""

import signal
import socket
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


def test_a_port_that_is_taken_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mlflow.db").touch()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["ui", "--runs", str(tmp_path), "--port", str(port)]) == 2
    said = capsys.readouterr()
    assert said.out == "", "no page is announced"
    assert f"--port {port}: a port of 127.0.0.1 on which nothing listens" in said.err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--port", "99999"], "--port: a whole number from 1 to 65,535, found 99999"),
        (["--port", "-1"], "--port: a whole number from 1 to 65,535, found -1"),
        (["--host", "no such host"], "--host: an address of this machine, found 'no such host'"),
    ],
)
def test_places_where_nothing_can_listen(
    words: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mlflow.db").touch()
    assert main(["ui", "--runs", str(tmp_path), *words]) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ended_by_a_signal_it_leaves_nothing_listening(number: signal.Signals, tmp_path: Path) -> None:
    opened(tmp_path)
    port = free_port()
    command = [sys.executable, "-P", "-m", "uncollapse", "ui", "--runs", str(tmp_path), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        assert any(f"MLflow on http://127.0.0.1:{port}" in line for line in process.stdout)
        assert healthy(f"http://127.0.0.1:{port}"), "announced when it answers"
        family = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(number)
        assert process.wait(60) == 0
        assert [member for member in family if member.is_running()] == []
        assert not healthy(f"http://127.0.0.1:{port}")
    finally:
        for member in [*psutil.Process().children(recursive=True)]:
            member.kill()
        process.communicate()
