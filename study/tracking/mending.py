"""Bringing MLflow to what the ledger says: runs that are double, open, missing or wrong, files looked for elsewhere.

Only the ledger's trials are mended. What MLflow alone has may be all that is left of it, and stays.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from uncollapse.analysis.mlflow_runs.sources import source
from uncollapse.analysis.schema import ENDED
from uncollapse.study.storage.fingerprints import code_version
from uncollapse.study.storage.workspace import Workspace
from uncollapse.study.tracking.merging import TAG
from uncollapse.study.tracking.projection import Projection, name_of
from uncollapse.study.tracking.verification import differing, known_trials, reading
from uncollapse.study.trial_record import TrialRecord

OPEN = "RUNNING"
ITS_OWN = ("study", "configuration")  # kinds of runs that end with the study; others tell how far something got


def mend(workspace: Workspace, facts: Mapping[str, Any], say: Callable[[str], None]) -> list[str]:
    """Mend what can be mended from the ledger; returns a sentence for each thing done. Nobody else may run the study.

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
        return done + _close(projection, found)


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
