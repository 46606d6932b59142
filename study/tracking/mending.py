"""Bringing MLflow to what the ledger says: runs that are double, open, missing or wrong, files looked for elsewhere.

Only the ledger's trials are mended. What MLflow alone has may be all that is left of it, and stays.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from uncollapse.analysis.mlflow_runs.sources import source
from uncollapse.analysis.schema import ENDED, REPLICATE
from uncollapse.study.storage.fingerprints import code_version
from uncollapse.study.storage.workspace import Workspace
from uncollapse.study.tracking.figures import Figure, lacking
from uncollapse.study.tracking.merging import PARENT, TAG
from uncollapse.study.tracking.projection import Projection, configuration_name, name_of
from uncollapse.study.tracking.verification import differing, known_trials, reading
from uncollapse.study.trial_record import TrialRecord

OPEN = "RUNNING"
ITS_OWN = ("study", "configuration")  # kinds of runs that end with the study; others tell how far something got


def mend(
    workspace: Workspace, facts: Mapping[str, Any], say: Callable[[str], None], figures: Sequence[Figure] = ()
) -> list[str]:
    """Mend what can be mended from the ledger; returns a sentence for each thing done. Nobody else may run the study.

    Args:
        workspace: of the study.
        facts: of it.
        say: told how far it is.
        figures: of its report, for the runs of configurations and of the study.

    Raises:
        RunError: MLflow does not answer, or its database cannot be used.
    """
    uri, found = workspace.tracking_uri(facts["settings"]["tracking"]), known_trials(workspace)
    tags = {"code": code_version(facts["code"]), "corpus": str(facts["corpus"].get("digest", ""))}
    projection = Projection(uri, workspace.study, workspace.artifacts, tags, owner=True)
    with reading(uri):
        projection.open()
        done = [f"merged the runs of {name} into one" for name in projection.merged]
        done += _trials(projection, uri, found, say)
        projection.describe(facts)
        done += _close(projection, found)
        done += _figures(projection, uri, found, figures)
        return done + _report(projection, workspace)


def _trials(projection: Projection, uri: str, found: Sequence[TrialRecord], say: Callable[[str], None]) -> list[str]:
    """Project anew every trial of which MLflow has nothing, or something else."""
    place = source(uri)
    _, wrong = differing(place, place.runs(projection.experiment), found, say)
    for record in found:
        if (name := name_of(record)) not in wrong:
            continue
        if name in projection.runs:
            projection.forget(name)
        projection.trial(record)
    return [f"sent {name} from the ledger" for name in wrong]


def _figures(projection: Projection, uri: str, found: Sequence[TrialRecord], figures: Sequence[Figure]) -> list[str]:
    """Send again the figures that MLflow lacks, or has other values of; the newest is the one that it shows."""
    place = source(uri)
    wrong = lacking(place, place.runs(projection.experiment), figures)
    for name, metrics, artifacts, _ in figures:
        if name in wrong:
            _placed(projection, name, found)
            projection.summarise(name, metrics, artifacts, time.time())
    return [f"sent the figures of {name} from the ledger" for name in wrong]


def _placed(projection: Projection, name: str, found: Sequence[TrialRecord]) -> None:
    """Make the run of a configuration that is gone, and put its trials under it."""
    if name in projection.runs:
        return
    for record in found:
        if configuration_name(record) == name and record.stage == REPLICATE:
            projection.client.set_tag(projection.runs[name_of(record)], PARENT, projection.parent(record))


def _report(projection: Projection, workspace: Workspace) -> list[str]:
    """Put the report beside the study's run where it is not there at all."""
    there = (workspace.report / "index.html").exists()
    if not there or projection.client.list_artifacts(projection.study_run(), "report"):
        return []
    projection.files(workspace.report, "report")
    return ["sent the report"]


def _close(projection: Projection, found: Sequence[TrialRecord]) -> list[str]:
    """End the runs that a study left open which has nothing under way."""
    if any(record.state not in ENDED for record in found):
        return []
    done = []
    for run in projection.every_run():
        if run.info.status == OPEN:
            kind = run.data.tags.get(TAG + "kind", "")
            projection.client.set_terminated(run.info.run_id, "FINISHED" if kind in ITS_OWN else "KILLED")
            done.append(f"ended the run {run.info.run_name!r}")
    return done
