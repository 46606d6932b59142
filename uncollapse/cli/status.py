"""`status`: where a study is, read from its ledger while it runs or after."""

import time
from argparse import ArgumentParser, Namespace
from collections import Counter
from typing import TYPE_CHECKING, Any

from uncollapse.analysis.report.text_table import aligned
from uncollapse.analysis.schema import DROPPED, ENDED, MISSING, REPLICATE, SEARCH
from uncollapse.cli import Answer
from uncollapse.cli.arguments import study_options, workspace_of
from uncollapse.study.config import objectives
from uncollapse.study.config.study_page import planned
from uncollapse.study.durations import duration
from uncollapse.study.execution.tallies import Tallies, cells, heads, mean_seconds
from uncollapse.study.storage.locks import is_running
from uncollapse.study.storage.workspace import Workspace
from uncollapse.study.trial_record import TrialRecord

if TYPE_CHECKING:
    from uncollapse.study.storage.ledger import Ledger

SECONDS = 5.0


def options(parser: ArgumentParser) -> None:
    """Add what the command takes."""
    study_options(parser)
    parser.add_argument("--watch", action="store_true", help="again every few seconds, until the study ends")


def status(arguments: Namespace) -> Answer:
    """Counts by state, best so far, time left."""
    workspace = workspace_of(arguments, arguments.study)
    workspace.read_facts()
    from uncollapse.study.storage.ledger import Ledger

    ledger = Ledger(workspace.folder, workspace.study)  # reads on, at every look, from where it was
    while arguments.watch and not arguments.json and is_running(workspace.folder):
        _print(_data(workspace, ledger))
        time.sleep(SECONDS)
    data = _data(workspace, ledger)
    if not arguments.json:
        _print(data)
    return data, None


def _data(workspace: Workspace, ledger: "Ledger") -> dict[str, Any]:
    from uncollapse.study.storage.tables import recorded

    facts, found = workspace.read_facts(), recorded(ledger)
    settings = facts["settings"]
    tallies = Tallies(objectives.objectives(settings["search"]["select"])[0])
    tallies.recall(found)
    rows = [
        {"stage": stage, "family": family, **tallies.of(stage, family).row(count)}
        for stage, counts in planned_now(settings, found, "budget" in facts).items()
        for family, count in counts.items()
    ]
    left = _left(mean_seconds(tallies.every()), sum(row[MISSING] + row["running"] for row in rows))
    return {"study": workspace.study, "running": is_running(workspace.folder), "left": left, "rows": rows}


def planned_now(settings: dict[str, Any], found: list[TrialRecord], timed: bool = False) -> dict[str, dict[str, int]]:
    """Trials of each family in each stage: by the page and, once the search has ended, by what there is to confirm.

    The search of a study that is `timed`, by a budget, ends before or after so many trials as were planned.
    """
    counts = planned(settings)
    if timed:
        tried = Counter(record.family for record in found if record.stage == SEARCH and record.state != DROPPED)
        counts[SEARCH] = {family: max(count, tried[family]) for family, count in counts[SEARCH].items()}
    ended = Counter(record.family for record in found if record.stage == SEARCH and record.state in ENDED)
    entered = {(r.family, r.configuration_id, r.seed) for r in found if r.stage == REPLICATE}
    if entered and (timed or all(ended[family] >= count for family, count in counts[SEARCH].items())):
        confirmed = Counter(family for family, _, _ in entered)
        counts[SEARCH] = {family: ended[family] if timed else count for family, count in counts[SEARCH].items()}
        counts[REPLICATE] = {family: confirmed[family] for family in counts[REPLICATE]}
    return counts


def _left(mean: float | None, trials: int) -> str:
    """Training time still to come, from the mean of what has ended; divide it by the trials that run at once."""
    if not trials:
        return "nothing"
    return "unknown yet" if mean is None else f"{duration(mean * trials)} of training"


def _print(data: dict[str, Any]) -> None:
    print(f"{data['study']}: {'running' if data['running'] else 'not running'}, {data['left']} left")
    print(aligned([heads(data["rows"][0]), *map(cells, data["rows"])], words=2))
