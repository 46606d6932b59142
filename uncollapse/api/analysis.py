"""A study's records and what the analysis finds in them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from uncollapse.analysis import findings as analysis
from uncollapse.analysis.schema import Records
from uncollapse.study.errors import UserError
from uncollapse.study.storage.workspace import Workspace

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from uncollapse.analysis.two_studies.compare import Comparison

THRESHOLDS = ("mi", "latent_gain", "partial")


@dataclass(frozen=True)
class Findings(analysis.Findings):
    """Every table of a study's analysis, as DataFrames, and its figures."""

    @cached_property
    def figures(self) -> "Mapping[str, Figure]":
        """The report's figures as plotly figures by name; of a topic with several, `name/tab/panel`."""
        from uncollapse.analysis.report.figures.catalogue import pictures

        found: dict[str, Figure] = {}
        for name, picture in pictures(self).items():
            panels = [(f"{tab.label}/{panel.title}", panel) for tab in picture.tabs for panel in tab.panels]
            keys = [name] if len(panels) == 1 else [f"{name}/{key}".rstrip("/") for key, _ in panels]
            found |= {key: panel.figure for key, (_, panel) in zip(keys, panels, strict=True)}
        return found


def records(source: str | Path, study: str | None = None) -> Records:
    """Everything recorded of a study: `trials` and `curves` as DataFrames, and the study's facts.

    Args:
        source: the study's folder, such as `runs/my`; or the URI of an MLflow server or database, with `study`.
        study: the study's name in MLflow.

    Raises:
        UserError: no such study.
    """
    if study is not None:
        from uncollapse.analysis.mlflow_runs.runs import records as from_mlflow

        return from_mlflow(str(source), study)
    from uncollapse.study.results.findings import gather
    from uncollapse.study.storage import tables

    workspace = Workspace.at(Path(source))
    workspace.read_facts()
    read = tables.read(workspace.folder, workspace.study)
    return gather(workspace, read.records, damaged=read.damaged)


def findings(
    records: Records, mi: float | None = None, latent_gain: float | None = None, partial: float | None = None
) -> Findings:
    """Everything that the analysis finds in records, under the verdict's default thresholds or other ones.

    Args:
        records: from `records`.
        mi, latent_gain: nats; a trial with less of either is collapsed.
        partial: nats; a trial with less of either is partly collapsed.

    Raises:
        UserError: a threshold that is no number above 0.
    """
    given = {
        name: value for name, value in zip(THRESHOLDS, (mi, latent_gain, partial), strict=True) if value is not None
    }
    if wrong := [name for name, value in given.items() if not 0 < value < float("inf")]:
        raise UserError([f"{name}: a number of nats above 0, found {given[name]}" for name in wrong])
    thresholds = {**records.study.get("thresholds", {}), **given}
    judged_so = replace(records, study={**records.study, "thresholds": thresholds})
    return Findings(**vars(analysis.find(judged_so)))


def write_report(found: analysis.Findings, folder: str | Path) -> Path:
    """Write `report/index.html`, its CSV tables and `summary.json` under a folder; returns the page's path."""
    from uncollapse.analysis.report.page import write

    return write(found, Path(folder))


def compare(first: Records, second: Records) -> "Comparison":
    """How two studies differ, first minus second; paired by seed where they share configurations."""
    from uncollapse.analysis.two_studies.compare import compare as side_by_side

    return side_by_side(first, second)
