"""`dashboard`: Optuna's dashboard over a study's ledger, which it can read and not write."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

from uncollapse.cli import Answer
from uncollapse.cli.arguments import study_options, workspace_of
from uncollapse.cli.pages.listening import leave, listening_errors
from uncollapse.cli.parsing import bounds_errors
from uncollapse.study.errors import UserError
from uncollapse.study.output import say

HOST, READING = "127.0.0.1", ("GET", "HEAD")
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def options(parser: ArgumentParser) -> None:
    """Add what the command takes."""
    study_options(parser)
    parser.add_argument("--port", type=int, default=8080, help="port to listen on, of this machine alone (8080)")


def dashboard(arguments: Namespace) -> Answer:
    """Serve the dashboard until it is interrupted; whatever would change the ledger is refused."""
    workspace = workspace_of(arguments, arguments.study)
    workspace.read_facts()
    if found := bounds_errors(arguments, {"port": (1, 65535)}) or listening_errors(HOST, arguments.port):
        raise UserError(found)
    if find_spec("optuna_dashboard") is None:
        raise UserError(
            "dashboard: it needs the package optuna-dashboard, which is not installed; install it with "
            '`pip install --constraint constraints.txt ".[dashboard]"`'
        )
    from optuna_dashboard import wsgi

    from uncollapse.study.storage.shown_ledger import storage

    _serve(reading(wsgi(storage(workspace.ledger))), arguments.port, workspace.study)
    return {}, None


def reading(application: Application) -> Application:
    """The application without what changes anything, such as the button that deletes a family's search."""

    def answer(request: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if request["REQUEST_METHOD"] in READING:
            return application(request, start)
        start("405 Method Not Allowed", [("Content-Type", "application/json"), ("Allow", ", ".join(READING))])
        return [b'{"reason": "a study\'s ledger is read here and never written"}']

    return answer


def _serve(application: Application, port: int, study: str) -> None:
    from wsgiref.simple_server import WSGIRequestHandler, make_server

    from uncollapse.study.execution.signals import handled

    class Quiet(WSGIRequestHandler):
        def log_message(self, *about: Any) -> None:
            """Nothing: the page says what it shows."""

    with make_server(HOST, port, application, handler_class=Quiet) as server, handled(leave):
        say(f"Optuna's dashboard of {study} on http://{HOST}:{port}; Ctrl-C ends it")
        with suppress(KeyboardInterrupt):
            server.serve_forever()
