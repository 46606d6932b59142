"""`ui`: MLflow's page over the studies of a folder."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from uncollapse.cli import Answer
from uncollapse.cli.folders import runs_of, runs_option
from uncollapse.cli.pages.listening import leave, listening_errors
from uncollapse.cli.parsing import bounds_errors
from uncollapse.study.config.tracking_uri import database, uri_error
from uncollapse.study.errors import RunError, UserError
from uncollapse.study.execution.signals import handled
from uncollapse.study.output import say
from uncollapse.study.storage.workspace import Workspace

PATIENCE = 300.0  # seconds in which MLflow's page has to answer for the first time
GRACE = 10.0  # seconds that its processes have to end when they are told to
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # the page is on this machine


def options(parser: ArgumentParser) -> None:
    """Add what the command takes."""
    runs_option(parser)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, default=5000, help="port to listen on (5000)")
    parser.add_argument("--tracking", help="another tracking URI than the database of --runs")


def ui(arguments: Namespace) -> Answer:
    """Serve MLflow's page until it is interrupted; listens on this machine alone unless --host says otherwise."""
    runs = runs_of(arguments)
    if (error := uri_error(arguments.tracking or "")) is not None:
        raise UserError(f"--tracking: {error}")
    uri = Workspace(runs, "").tracking_uri(arguments.tracking)
    if arguments.tracking is None and not (runs / "mlflow.db").exists():
        raise UserError(f"--runs {runs}: no mlflow.db there; run a study first, or name a server with --tracking")
    if found := bounds_errors(arguments, {"port": (1, 65535)}) or listening_errors(arguments.host, arguments.port):
        raise UserError(found)
    _refuse_unusable(uri)
    page = f"http://{arguments.host}:{arguments.port}"
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", uri, "--workers", "1"]
    command += ["--host", arguments.host, "--port", str(arguments.port)]
    try:
        with handled(leave), _served(command) as server:
            _wait_for(page, server)
            say("\n".join([f"MLflow on {page} over {uri}; Ctrl-C ends it", *_views(page, uri)]))
            code = server.wait()
    except KeyboardInterrupt:
        return {"failed": False}, None
    raise RunError(f"MLflow's page ended by itself, with code {code}; start it again")


@contextmanager
def _served(command: Sequence[str]) -> Iterator["subprocess.Popen[bytes]"]:
    """MLflow's server and the processes that it starts, all of which end with us."""
    # nothing of MLflow is taken from the working directory, by the processes that its server starts neither
    quiet = {"PYTHONSAFEPATH": "1", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    server = subprocess.Popen(command, env={**os.environ, **quiet}, start_new_session=True)
    try:
        yield server
    finally:
        with suppress(KeyboardInterrupt):  # a second Ctrl-C ends the wait
            _signal(server.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                server.wait(GRACE)
        _signal(server.pid, signal.SIGKILL)
        server.wait()


def _signal(group: int, number: signal.Signals) -> None:
    """Tell every process of a group; that none is left is what was wanted."""
    with suppress(ProcessLookupError):
        os.killpg(group, number)


def _wait_for(page: str, server: "subprocess.Popen[bytes]") -> None:
    """Return when the page answers; `RunError` when its server ended before."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if (code := server.poll()) is not None:
            raise RunError(f"MLflow's page did not start: its server ended with code {code}, and says above why")
        with suppress(OSError, ValueError), DIRECT.open(f"{page}/health", timeout=2):
            return
        time.sleep(0.2)
    raise RunError(f"MLflow's page did not answer on {page} within {PATIENCE:.0f} s; look at what it says above")


def _refuse_unusable(uri: str) -> None:
    """MLflow's server would end over such a database, or change it."""
    from uncollapse.study.tracking.database import Busy, trouble

    path = database(uri)
    try:
        sentence = trouble(path) if path else None
    except Busy as error:
        sentence = f"{error}; end that one, or wait for it"
    if sentence:
        raise UserError(f"ui: {sentence}")


def _views(page: str, uri: str) -> list[str]:
    """Where each study's confirmed configurations stand side by side; other views are named in its description."""
    from uncollapse.study.tracking.projection import experiments
    from uncollapse.study.tracking.views import address

    return [f"{name}: {address(page, number, 'configurations')}" for name, number in experiments(uri).items()]
