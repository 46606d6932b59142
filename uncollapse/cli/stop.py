"""`stop`: leave a running study, from any machine that sees its folder."""

import time
from argparse import ArgumentParser, Namespace

from uncollapse.analysis.whole_file import write_whole
from uncollapse.cli import Answer
from uncollapse.cli.arguments import running_study, study_options
from uncollapse.study.errors import RunError
from uncollapse.study.execution.control import NOW, STOP
from uncollapse.study.output import warn
from uncollapse.study.storage.locks import is_running
from uncollapse.study.storage.workspace import Workspace

SECONDS = 0.5
SILENT = 30.0  # seconds after which it is said that the study has not obeyed yet
MEANWHILE = "running trials finish their epoch; `--now` does not wait"


def options(parser: ArgumentParser) -> None:
    """Add what the command takes."""
    study_options(parser)
    parser.add_argument("--now", action="store_true", help="leave at once; what is running repeats its epoch")


def stop(arguments: Namespace) -> Answer:
    """Ask a study to leave, and wait until it has."""
    workspace = running_study(arguments)
    write_whole(workspace.control, NOW if arguments.now else STOP)
    _wait(workspace)
    return {"stopped": workspace.study}, f"{workspace.study}: stopped; `uncollapse run` with its page goes on from here"


def _wait(workspace: Workspace) -> None:
    """Return when the study's process is gone; `RunError` where it left for another reason."""
    started = said = time.monotonic()
    while is_running(workspace.folder):
        if time.monotonic() - said > SILENT:
            said = time.monotonic()
            warn(f"{workspace.study}: still there after {said - started:.0f} s; {MEANWHILE}")
        time.sleep(SECONDS)
    if workspace.control.exists():
        workspace.control.unlink(missing_ok=True)
        raise RunError(f"{workspace.study}: its process ended before it read the word; run it again and it goes on")
