"""`status`: where a study is, read from its ledger while it runs or after."""

import time
from argparse import ArgumentParser, Namespace
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live

from uncollapse.analysis.schema import DROPPED, ENDED, REPLICATE, SEARCH
from uncollapse.cli import Answer
from uncollapse.cli.arguments import study_options, workspace_of
from uncollapse.study.config.study_page import planned
from uncollapse.study.execution.view.overview import Observer, Overview
from uncollapse.study.execution.view.picture import Picture, line
from uncollapse.study.execution.view.ran import last_heard, ran_seconds
from uncollapse.study.storage.locks import began, is_running
from uncollapse.study.storage.workspace import Workspace
from uncollapse.study.trial_record import TrialRecord

if TYPE_CHECKING:
    from uncollapse.study.storage.ledger import Ledger

SECONDS = 2.0  # from look to look
SHARE = 4.0  # a look at a large ledger takes seconds: wait so many times as long as it took


def options(parser: ArgumentParser) -> None:
    """Add what the command takes."""
    study_options(parser)
    parser.add_argument("--watch", action="store_true", help="drawn anew every two seconds, until the study ends")


def status(arguments: Namespace) -> Answer:
    """Trials by state, best so far, time left."""
    workspace = workspace_of(arguments, arguments.study)
    workspace.read_facts()
    from uncollapse.study.storage.ledger import Ledger

    ledger = Ledger(workspace.folder, workspace.study)  # reads on, at every look, from where it was
    console = Console()
    if arguments.watch and not arguments.json:
        _watch(workspace, ledger, console)
    overview = look(workspace, ledger)
    if not arguments.json:
        console.print(Picture(overview))
    return overview.plain(), None


def look(workspace: Workspace, ledger: "Ledger") -> Overview:
    """Where a study is now."""
    from uncollapse.study.storage.tables import recorded

    facts, found, now = workspace.read_facts(), recorded(ledger), time.time()
    running = is_running(workspace.folder)
    process = began(workspace.folder), now if running else last_heard(found)
    observer = Observer(workspace.study, facts["settings"])
    observer.recall(found)
    ran = ran_seconds(found, [process] if process[0] < process[1] else [])
    return observer.look(
        planned_now(facts["settings"], found, "budget" in facts), facts.get("slots", 0), now, ran, running
    )


def planned_now(settings: dict[str, Any], found: list[TrialRecord], timed: bool = False) -> dict[str, dict[str, int]]:
    """Trials of each family in each stage: by the page and, once the search has ended, by what there is to confirm.

    A search ends early whose space holds no more configurations; that of a study that is `timed`, by a budget, ends
    before or after so many trials as were planned.
    """
    counts, searched = planned(settings), _searched(found)
    counts[SEARCH] = {family: _most(searched[family], count, timed) for family, count in counts[SEARCH].items()}
    ended = {family: sum(state in ENDED and state != DROPPED for state in own) for family, own in searched.items()}
    entered = {(r.family, r.configuration_id, r.seed) for r in found if r.stage == REPLICATE}
    if entered and (timed or all(ended.get(family, 0) >= count for family, count in counts[SEARCH].items())):
        confirmed = Counter(family for family, _, _ in entered)
        counts[SEARCH] = {family: ended.get(family, 0) if timed else count for family, count in counts[SEARCH].items()}
        counts[REPLICATE] = {family: confirmed[family] for family in counts[REPLICATE]}
    return counts


def _searched(found: list[TrialRecord]) -> Mapping[str, list[str]]:
    """States of each family's search trials, by number."""
    states: dict[str, list[str]] = defaultdict(list)
    for record in sorted(found, key=lambda record: record.number):
        if record.stage == SEARCH:
            states[record.family].append(record.state)
    return states


def _most(states: list[str], planned: int, timed: bool) -> int:
    """Trials that a search will have had: fewer than planned where its last proposals were all trained before, and
    where it is timed at least those that it has."""
    from uncollapse.study.stages.search import DOUBLES

    over = len(states) >= DOUBLES and set(states[-DOUBLES:]) == {DROPPED}
    tried = sum(state != DROPPED for state in states)
    return tried if over or (timed and tried > planned) else planned


def _watch(workspace: Workspace, ledger: "Ledger", console: Console) -> None:
    """Until no process runs the study: in place on a terminal, elsewhere a line whenever a trial began or ended."""
    if not console.is_terminal:
        told: list[Any] = []
        for overview in _looks(workspace, ledger):
            if (counts := _counts(overview)) != told:
                print(line(overview), flush=True)
            told = counts
        return
    with Live(console=console, auto_refresh=False, transient=True) as live:
        for overview in _looks(workspace, ledger):
            live.update(Picture(overview, [overview.stage]), refresh=True)


def _looks(workspace: Workspace, ledger: "Ledger") -> Iterator[Overview]:
    while is_running(workspace.folder):
        before = time.monotonic()
        yield look(workspace, ledger)
        time.sleep(max(SECONDS, SHARE * (time.monotonic() - before)))


def _counts(overview: Overview) -> list[Any]:
    """What has to change for a line to be worth printing."""
    return [overview.stage, *((row["ended"], row["running"], row["best"]) for row in overview.rows)]
