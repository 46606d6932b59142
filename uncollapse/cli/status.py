"""`status`: where a study is, read from its ledger while it runs or after."""

import time
from argparse import Namespace
from collections import Counter
from typing import TYPE_CHECKING, Any

from uncollapse.analysis.report.text_table import aligned
from uncollapse.analysis.schema import DROPPED, ENDED, MISSING, REPLICATE, RUNNING, SEARCH
from uncollapse.cli import Answer
from uncollapse.cli.arguments import workspace_of
from uncollapse.study.config import objectives
from uncollapse.study.config.study_page import planned
from uncollapse.study.execution.progress import STATE_COLUMNS, collapsed, duration
from uncollapse.study.storage.locks import is_running
from uncollapse.study.storage.workspace import Workspace
from uncollapse.study.trial_record import TrialRecord, selection

if TYPE_CHECKING:
    from uncollapse.study.storage.ledger import Ledger

SECONDS = 5.0


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

    settings, found = workspace.read_facts()["settings"], recorded(ledger)
    rows = [
        _row(stage, family, count, [r for r in found if (r.stage, r.family) == (stage, family)], settings)
        for stage, counts in _planned(settings, found).items()
        for family, count in counts.items()
    ]
    return {
        "study": workspace.study,
        "running": is_running(workspace.folder),
        "left": _left(found, rows),
        "rows": rows,
    }


def _planned(settings: dict[str, Any], found: list[TrialRecord]) -> dict[str, dict[str, int]]:
    """Trials of each family in each stage: by the page and, once the search has ended, by what there is to confirm."""
    counts = planned(settings)
    ended = Counter(record.family for record in found if record.stage == SEARCH and record.state in ENDED)
    entered = {(r.family, r.configuration, r.seed) for r in found if r.stage == REPLICATE}
    if entered and all(ended[family] >= count for family, count in counts[SEARCH].items()):
        confirmed = Counter(family for family, _, _ in entered)
        counts[REPLICATE] = {family: confirmed[family] for family in counts[REPLICATE]}
    return counts


def _row(stage: str, family: str, planned: int, own: list[TrialRecord], settings: dict[str, Any]) -> dict[str, Any]:
    bound = objectives.objectives(settings["search"]["select"])[0]
    states = Counter(record.state for record in own)
    values = [v for record in own if (v := selection(record, bound)) is not None]
    ended = sum(states[state] for state in ENDED)
    row: dict[str, Any] = {"stage": stage, "family": family, "planned": planned, "running": states[RUNNING]}
    row |= {state: states[state] for state in STATE_COLUMNS} | {MISSING: planned - ended - states[RUNNING]}
    return row | {"best": min(values, default=None), "collapsed": sum(collapsed(r) for r in own if r.state in ENDED)}


def _left(found: list[TrialRecord], rows: list[dict[str, Any]]) -> str:
    """Training time still to come, from the mean of what has ended; divide it by the trials that run at once."""
    ended = [record.seconds for record in found if record.state in ENDED and record.state != DROPPED]
    remaining = sum(row[MISSING] + row["running"] for row in rows)
    if not ended or not remaining:
        return "nothing" if not remaining else "unknown yet"
    return f"{duration(remaining * sum(ended) / len(ended))} of training"


def _print(data: dict[str, Any]) -> None:
    print(f"{data['study']}: {'running' if data['running'] else 'not running'}, {data['left']} left")
    cells = [list(data["rows"][0]), *([_cell(value) for value in row.values()] for row in data["rows"])]
    print(aligned(cells, words=2))


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.2f}" if isinstance(value, float) else str(value)
