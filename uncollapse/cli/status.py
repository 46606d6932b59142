"""`status`: where a study is, read from its ledger while it runs or after."""

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from typing import Any

from rich.live import Live

from uncollapse.cli import Answer
from uncollapse.cli.arguments import study_options, workspace_of
from uncollapse.study.execution.view.budget import budget_of
from uncollapse.study.execution.view.overview import Observer, Overview
from uncollapse.study.execution.view.picture import Picture, line
from uncollapse.study.execution.view.planned import planned_now, stage_now
from uncollapse.study.execution.view.ran import last_heard, ran_seconds
from uncollapse.study.execution.view.screen import Screen
from uncollapse.study.outline import Outline
from uncollapse.study.output import aside, say
from uncollapse.study.planning.frozen import frozen_of
from uncollapse.study.storage.digest.known import Known
from uncollapse.study.storage.locks import began, is_running
from uncollapse.study.storage.workspace import Workspace

SECONDS = 2.0  # from look to look
SILENT, AGAIN = 3.0, 10.0  # seconds of reading after which it is said how far it is, and from then on
SHARE = 4.0  # a look at a large ledger takes seconds: wait so many times as long as it took


def options(parser: ArgumentParser) -> None:
    """Add what the command takes."""
    study_options(parser)
    parser.add_argument("--watch", action="store_true", help="drawn anew every two seconds, until the study ends")


def status(arguments: Namespace) -> Answer:
    """Trials by state, best so far, time left."""
    workspace = workspace_of(arguments, arguments.study)
    workspace.read_facts()
    ledger = Known(workspace.folder, workspace.study, Patience())  # reads on, at every look, from where it was
    console = Screen()
    if arguments.watch and not arguments.json:
        _watch(workspace, ledger, console)
    overview = look(workspace, ledger)
    damaged = [] if ledger.damage is None else [str(ledger.damage)]
    if not arguments.json:
        console.print(Picture(overview))
        for sentence in damaged:
            aside(f"warning: {sentence}")
    return overview.plain() | {"damaged": damaged}, None


class Patience:
    """Says how far a ledger is read, if that takes long."""

    def __init__(self) -> None:
        self.next = time.monotonic() + SILENT

    def __call__(self, read: int, size: int) -> None:
        if time.monotonic() >= self.next:
            self.next = time.monotonic() + AGAIN
            aside(f"reading the ledger, {read / size:.0%} of {size / 1e6:,.0f} MB; later looks read what is new")


def look(workspace: Workspace, ledger: Known) -> Overview:
    """Where a study is now."""
    facts, found, now = workspace.read_facts(), ledger.outlines(), time.time()
    running, own = is_running(workspace.folder), frozen_of(workspace)
    observer = Observer(workspace.study, facts["settings"], own.expected if own else None)
    observer.recall(found)
    counts = planned_now(facts["settings"], found, own is not None)
    return observer.look(
        counts,
        facts.get("slots", 0),
        now,
        _ran(workspace, found, now if running else last_heard(found)),
        running,
        stage_now(counts, found, own is not None),
        budget_of(own, found, now, running),
    )


def _ran(workspace: Workspace, found: Sequence[Outline], until: float) -> float:
    """Seconds that it has run; the process that runs it, or ran it last, counts as a whole."""
    since = began(workspace.folder)
    return ran_seconds(found, [(since, until)] if 0 < since < until else [])


def _watch(workspace: Workspace, ledger: Known, console: Screen) -> None:
    """Until no process runs the study: in place on a terminal, elsewhere a line whenever a trial began or ended."""
    if not console.is_terminal:
        told: list[Any] = []
        for overview in _looks(workspace, ledger):
            if (counts := _counts(overview)) != told:
                say(line(overview))
            told = counts
        return
    with Live(console=console, auto_refresh=False, transient=True) as live:
        for overview in _looks(workspace, ledger):
            live.update(Picture(overview, [overview.stage]), refresh=True)


def _looks(workspace: Workspace, ledger: Known) -> Iterator[Overview]:
    while is_running(workspace.folder):
        before = time.monotonic()
        yield look(workspace, ledger)
        time.sleep(max(SECONDS, SHARE * (time.monotonic() - before)))


def _counts(overview: Overview) -> list[Any]:
    """What has to change for a line to be worth printing."""
    return [overview.stage, *((row["ended"], row["running"], row["best"]) for row in overview.rows)]
