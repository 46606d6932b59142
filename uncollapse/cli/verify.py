"""`verify`: whether ledger, MLflow and files agree, or exactly which rows differ."""

import sys
from argparse import ArgumentParser, Namespace
from functools import partial
from typing import TYPE_CHECKING

from uncollapse.cli import Answer
from uncollapse.cli.arguments import study_options, workspace_of
from uncollapse.study.storage.locks import owned, refuse_running
from uncollapse.study.storage.workspace import Workspace

if TYPE_CHECKING:
    from uncollapse.study.tracking.figures import Figure


def options(parser: ArgumentParser) -> None:
    """Add what the command takes."""
    study_options(parser)
    parser.add_argument(
        "--mend",
        action="store_true",
        help="bring MLflow to what the ledger says first: merge double runs, end open ones, send what is missing",
    )


def verify(arguments: Namespace) -> Answer:
    """Compare every recorded value with MLflow's and every file with what should be there."""
    from uncollapse.study.tracking.verification import differences

    workspace = workspace_of(arguments, arguments.study)
    facts = workspace.read_facts()
    mended = _mended(workspace) if arguments.mend else []
    compared, found = differences(workspace, facts, figures=_figures(workspace))
    data = {"compared": compared, "differences": found, "mended": mended, "failed": bool(found)}
    counts = ", ".join(f"{number:,} {name}" for name, number in compared.items())
    verdict = "all agree" if not found else f"{len(found)} differ:\n" + "\n".join(f"  {line}" for line in found)
    return data, "\n".join([*mended, f"compared {counts}: {verdict}", *_remedy(found, arguments)])


def _mended(workspace: Workspace) -> list[str]:
    """What was mended; nobody may run the study meanwhile."""
    from uncollapse.study.tracking.mending import mend

    refuse_running(workspace.folder)
    with owned(workspace.folder):
        say = partial(print, file=sys.stderr, flush=True)
        return mend(workspace, workspace.read_facts(), say, _figures(workspace))


def _figures(workspace: Workspace) -> "list[Figure]":
    """Those of the report of a study that has ended, which MLflow gets with its end."""
    from uncollapse.study.results import findings
    from uncollapse.study.results.export import figures
    from uncollapse.study.storage.tables import read
    from uncollapse.study.tracking.figures import due

    known, _ = read(workspace.folder, workspace.study, lambda sentence: None)  # the comparison says what is damaged
    return list(figures(findings.find(workspace, known), known)) if due(known) else []


def _remedy(found: list[str], arguments: Namespace) -> list[str]:
    if not any("MLflow" in line for line in found) or arguments.mend:
        return []
    return [f"`uncollapse verify {arguments.study} --mend` brings MLflow to what the ledger says"]
