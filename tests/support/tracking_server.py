"""A real MLflow server over any store, which can go away and come back."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.support.cluster_nodes import free_port

QUIET = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
PATIENCE = 120.0  # seconds in which a server has to answer


def healthy(uri: str) -> bool:
    """Whether an MLflow server answers there."""
    try:
        with urllib.request.urlopen(f"{uri}/health", timeout=2):
            return True
    except OSError:
        return False


class Server:
    """An MLflow server on loopback; the store's URI, which may hold a password, stands in no command line."""

    def __init__(self, folder: Path, store: str, port: int | None = None) -> None:
        self.folder, self.store, self.port = folder, store, port or free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        where = ["--host", "127.0.0.1", "--port", str(self.port), "--workers", "1"]
        artifacts = ["--artifacts-destination", str(self.folder / "artifacts")]
        environment = {**os.environ, **QUIET, "MLFLOW_BACKEND_STORE_URI": self.store}
        with (self.folder / "server.log").open("ab") as log:
            command = [sys.executable, "-m", "mlflow", "server", *where, *artifacts]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        deadline = time.monotonic() + PATIENCE
        while not self.answers():
            assert self.process.poll() is None, "the MLflow server does not start"
            assert time.monotonic() < deadline, f"the MLflow server does not answer after {PATIENCE:.0f} s"
            time.sleep(0.3)

    def answers(self) -> bool:
        return healthy(self.uri)

    def kill(self) -> None:
        """SIGKILL to the server and its workers."""
        if self.process is not None and self.process.poll() is None:
            for member in [*psutil.Process(self.process.pid).children(recursive=True), self.process]:
                member.kill()
            self.process.wait()


@contextmanager
def server(folder: Path, store: str | None = None, port: int | None = None) -> Iterator[Server]:
    """A running MLflow server, over SQLite unless told; its log and artifacts lie in `folder`."""
    made = Server(folder, store or f"sqlite:///{folder / 'server.db'}", port)
    try:
        made.start()
        yield made
    finally:
        made.kill()
