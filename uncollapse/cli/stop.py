"""`stop`: leave a running study, from any machine that sees its folder."""

import time
from argparse import ArgumentParser, Namespace

from uncollapse.analysis.whole_file import write_whole
from uncollapse.cli import Answer
from uncollapse.cli.arguments import running_study, study_options
from uncollapse.study.errors import RunError
from uncollapse.study.execution.control import NOW, STOP
from uncollapse.study.output import warn
from uncollapse.study.storage.locks import holder, is_running
from uncollapse.study.storage.workspace import Workspace

SECONDS = 0.5
SILENT = 30.0  # seconds after which it is said that the study has not obeyed yet
GRACE = 120.0  # seconds, beyond those that an epoch may take, after which it will not obey any more
MEANWHILE = "running trials finish their epoch; `--now` does not wait"


def options(parser: ArgumentParser) -> None:
    """Add what the command takes."""
    study_options(parser)
    parser.add_argument("--now", action="store_true", help="leave at once; what is running repeats its epoch")


def stop(arguments: Namespace) -> Answer:
    """Ask a study to leave, and wait until it has."""
    workspace = running_study(arguments)
    write_whole(workspace.control, NOW if arguments.now else STOP)
    epoch = 0.0 if arguments.now else float(workspace.read_facts()["settings"]["resources"].get("epoch_seconds", 0.0))
    _wait(workspace, epoch + GRACE)
    return {"stopped": workspace.study}, f"{workspace.study}: stopped; `uncollapse run` with its page goes on from here"


def _wait(workspace: Workspace, seconds: float) -> None:
    """Return when the study's process is gone; `RunError` where it left for another reason, or does not within so many
    seconds."""
    started = said = time.monotonic()
    while is_running(workspace.folder):
        if time.monotonic() - said > SILENT:
            said = time.monotonic()
            warn(f"{workspace.study}: still there after {said - started:.0f} s; {MEANWHILE}")
        if time.monotonic() - started > seconds:
            raise RunError(
                f"{workspace.study}: {holder(workspace.folder)} has not left within {seconds:.0f} s; it does when it "
                "reads the word that lies in its folder; if it hangs, end it yourself: what is recorded is kept"
            )
        time.sleep(SECONDS)
    if workspace.control.exists():
        workspace.control.unlink(missing_ok=True)
        raise RunError(f"{workspace.study}: its process ended before it read the word; run it again and it goes on")
