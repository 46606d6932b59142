"""`pause` and `resume`: words to a running study, from any machine that sees its folder."""

from argparse import ArgumentParser, Namespace

from uncollapse.analysis.whole_file import write_whole
from uncollapse.cli import Answer
from uncollapse.cli.arguments import running_study, study_options
from uncollapse.study.execution.control import PAUSE, RESUME


def options(parser: ArgumentParser) -> None:
    """Add what the command takes."""
    study_options(parser)


def pause(arguments: Namespace) -> Answer:
    """Ask a study to give back what it occupies and wait."""
    workspace = running_study(arguments)
    write_whole(workspace.control, PAUSE)
    text = f"{workspace.study}: pauses when its running trials have finished their epoch; `uncollapse resume` goes on"
    return {"paused": workspace.study}, text


def resume(arguments: Namespace) -> Answer:
    """Let a paused study go on."""
    workspace = running_study(arguments)
    write_whole(workspace.control, RESUME)
    return {"resumed": workspace.study}, f"{workspace.study}: goes on"
