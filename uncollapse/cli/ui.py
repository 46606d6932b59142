"""`ui`: MLflow's page over the studies of a folder."""

import os
import subprocess
import sys
from argparse import ArgumentParser, Namespace

from uncollapse.cli import Answer
from uncollapse.cli.folders import runs_of, runs_option
from uncollapse.study.config.tracking_uri import database, uri_error
from uncollapse.study.errors import UserError
from uncollapse.study.storage.workspace import Workspace


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
    _refuse_unusable(uri)
    page = f"http://{arguments.host}:{arguments.port}"
    print("\n".join([f"MLflow on {page} over {uri}; Ctrl-C ends it", *_views(page, uri)]), flush=True)
    # nothing of MLflow is taken from the working directory, by the processes that its server starts neither
    quiet = {"PYTHONSAFEPATH": "1", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", uri, "--workers", "1"]
    command += ["--host", arguments.host, "--port", str(arguments.port)]
    try:
        code = subprocess.run(command, env={**os.environ, **quiet}, check=False).returncode
    except KeyboardInterrupt:
        code = 0
    return {"failed": code != 0}, None


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
