"""One run of several with the same key: of a creation that a server took and could not answer, MLflow holds two."""

import tempfile
from collections.abc import Iterable, Mapping, Sequence

from mlflow import MlflowClient
from mlflow.entities import Metric, Run

TAG = "uncollapse."
PARENT = "mlflow.parentRunId"
AT_ONCE = 1000  # metrics of one request


def by_key(runs: Iterable[Run]) -> dict[str, list[Run]]:
    """Runs by their key, a tag of ours; several of one key stand for the same thing."""
    found: dict[str, list[Run]] = {}
    for run in runs:
        if key := run.data.tags.get(TAG + "run", ""):
            found.setdefault(key, []).append(run)
    return found


def fullest(runs: Sequence[Run]) -> Run:
    """The run that is kept: one that has ended, with the most metrics, made first."""
    return min(runs, key=lambda run: (run.info.status == "RUNNING", -len(run.data.metrics), run.info.start_time))


def merge(client: MlflowClient, runs: Sequence[Run], every: Iterable[Run]) -> Run:
    """Bring what the other runs of a key hold into the one that is kept, and delete them; returns the one kept.

    A deleted run can be restored in MLflow. Children of the others become children of the one kept.

    Args:
        client: of the store.
        runs: of one key; a single one is left as it is.
        every: run of the experiment, among which children are looked for.
    """
    kept = fullest(runs)
    others = {run.info.run_id: run for run in runs if run is not kept}
    for run in others.values():
        _bring(client, run, kept)
    for child in every:
        if child.data.tags.get(PARENT) in others:
            client.set_tag(child.info.run_id, PARENT, kept.info.run_id)
    for run in others:
        client.delete_run(run)
    return kept


def _bring(client: MlflowClient, run: Run, kept: Run) -> None:
    """Metrics, parameters, tags and files of one run that the other does not have."""
    missing = _missing(run.data.metrics, kept.data.metrics)
    metrics: list[Metric] = [one for name in missing for one in client.get_metric_history(run.info.run_id, name)]
    for start in range(0, len(metrics), AT_ONCE):
        client.log_batch(kept.info.run_id, metrics=metrics[start : start + AT_ONCE])
    for name in _missing(run.data.params, kept.data.params):
        client.log_param(kept.info.run_id, name, run.data.params[name])
    for name in _missing(run.data.tags, kept.data.tags):
        client.set_tag(kept.info.run_id, name, run.data.tags[name])
    _bring_files(client, run.info.run_id, kept.info.run_id)


def _missing(there: Mapping[str, object], kept: Mapping[str, object]) -> list[str]:
    return sorted(there.keys() - kept.keys())


def _bring_files(client: MlflowClient, run: str, kept: str) -> None:
    """Files and folders at the top that the kept run lacks."""
    there = {file.path for file in client.list_artifacts(kept)}
    lacking = [file for file in client.list_artifacts(run) if file.path not in there]
    with tempfile.TemporaryDirectory() as here:
        for file in lacking:
            local = client.download_artifacts(run, file.path, here)
            if file.is_dir:
                client.log_artifacts(kept, local, file.path)
            else:
                client.log_artifact(kept, local)
