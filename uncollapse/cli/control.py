"""`stop`, `pause` and `resume`: words to a running study, from any machine that sees its folder."""

import sys
import time
from argparse import Namespace

from uncollapse.cli import Answer
from uncollapse.cli.arguments import workspace_of
from uncollapse.study.errors import RunError, UserError
from uncollapse.study.execution.control import NOW, PAUSE, RESUME, STOP
from uncollapse.study.storage.locks import is_running
from uncollapse.study.storage.workspace import Workspace, write_whole

SECONDS = 0.5
SILENT = 30.0  # seconds after which it is said that the study has not obeyed yet


def stop(arguments: Namespace) -> Answer:
    """Ask a study to leave, and wait until it has."""
    workspace = _running(arguments)
    write_whole(workspace.control, NOW if arguments.now else STOP)
    _wait(
        workspace, lambda: not is_running(workspace.folder), "running trials finish their epoch; `--now` does not wait"
    )
    return {"stopped": workspace.study}, f"{workspace.study}: stopped; `uncollapse run` with its page goes on from here"


def pause(arguments: Namespace) -> Answer:
    """Ask a study to give back what it occupies and wait."""
    workspace = _running(arguments)
    write_whole(workspace.control, PAUSE)
    text = f"{workspace.study}: pauses when its running trials have finished their epoch; `uncollapse resume` goes on"
    return {"paused": workspace.study}, text


def resume(arguments: Namespace) -> Answer:
    """Let a paused study go on."""
    workspace = _running(arguments)
    write_whole(workspace.control, RESUME)
    return {"resumed": workspace.study}, f"{workspace.study}: goes on"


def _running(arguments: Namespace) -> Workspace:
    workspace = workspace_of(arguments, arguments.study)
    workspace.read_facts()
    if not is_running(workspace.folder):
        raise UserError(f"{workspace.study}: no process is running it; `uncollapse run` with its page starts it again")
    return workspace


def _wait(workspace: Workspace, happens: object, meanwhile: str) -> None:
    assert callable(happens)
    started = said = time.monotonic()
    while not happens():
        if time.monotonic() - said > SILENT:
            said = time.monotonic()
            print(f"{workspace.study}: still there after {said - started:.0f} s; {meanwhile}", file=sys.stderr)
        time.sleep(SECONDS)
    if workspace.control.exists():
        workspace.control.unlink(missing_ok=True)
        raise RunError(f"{workspace.study}: its process ended before it read the word; run it again and it goes on")
