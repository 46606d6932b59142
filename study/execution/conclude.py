"""The end of a study: its report, its best configurations, and whatever MLflow does not have yet."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uncollapse.analysis.counted import counted
from uncollapse.analysis.schema import FAILED
from uncollapse.study.execution.progress import Progress
from uncollapse.study.storage.workspace import Workspace
from uncollapse.study.trial_record import TrialRecord

if TYPE_CHECKING:
    from uncollapse.analysis.findings import Findings
    from uncollapse.study.tracking.writer import Writer

PATIENCE = 120.0  # seconds that the end of a study waits for a tracking server


def conclude(
    workspace: Workspace, known: Sequence[TrialRecord], writer: "Writer", progress: Progress
) -> dict[str, Any]:
    """Report, export, and send the rest; `known` is every trial of the study. Returns what happened, as plain data."""
    from uncollapse.analysis.report.page import write
    from uncollapse.analysis.report.summary import text
    from uncollapse.study.results import findings
    from uncollapse.study.results.export import export
    from uncollapse.study.results.refusals import as_data

    progress.say("writing the report")
    found = findings.find(workspace, known)
    page = write(found, workspace.folder)
    exported = export(workspace, found, known, force=False)
    _project_figures(writer, found, known, page.parent)
    if writer.pending and not writer.unusable:
        progress.say(f"sending what MLflow does not have yet, {PATIENCE:.0f} s at most")
    unsent = writer.close(PATIENCE)
    return {
        "table": text(found),
        "report": str(page),
        "best": [str(path) for path in exported.files],
        "not_exported": as_data(exported.refused),
        "confirmed": [str(path) for path in exported.confirmed],
        "unsent": unsent,
        "tracking": writer.unusable,
        "set_aside": writer.set_aside,
        "failed": every_trial_failed(known),
    }


def every_trial_failed(known: Sequence[TrialRecord]) -> str:
    """The sentence for a study of which not one trial got anywhere; "" for any other."""
    if {record.state for record in known} != {FAILED}:
        return ""
    return (
        f"every one of the {counted(len(known), 'trial')} failed, the last with: {known[-1].cause}; mend "
        "that, and since a search "
        "trains no trial twice, run the study again under another name"
    )


def _project_figures(writer: "Writer", found: "Findings", known: Sequence[TrialRecord], report: Path) -> None:
    """Give the study's and the configurations' runs their figures, and the study's run its facts and its report."""
    from uncollapse.study.results.export import figures

    writer.submit(partial(writer.projection.describe, found.study))
    for figure in figures(found, known):
        writer.submit(partial(writer.projection.summarise, *figure))
    writer.submit(partial(writer.projection.files, report, "report"))
    writer.submit(writer.projection.settle)
