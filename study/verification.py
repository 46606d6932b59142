"""Whether ledger, MLflow and files agree."""

from collections.abc import Mapping
from typing import Any

from study.records import ENDED, MISSING, REPLICATE, TrialRecord
from study.results import records
from study.tracking import STATUS, TAG, Projection
from study.workspace import Workspace


def differences(workspace: Workspace, facts: Mapping[str, Any]) -> tuple[dict[str, int], list[str]]:
    """(what was compared, a sentence for each difference)."""
    found = [record for record in records(workspace.folder, workspace.study) if record.state != MISSING]
    projection = Projection(
        workspace.tracking_uri(facts["settings"]["tracking"]), workspace.study, workspace.artifacts, {}
    )
    projection.open()
    runs = projection.every_run()
    lines = _doubled(runs) + _left_running(runs, found)
    values = 0
    by_name = {run.data.tags.get(TAG + "run"): run for run in runs}
    for record in found:
        run = by_name.get(f"{record.stage}/{record.key}")
        compared, faults = _trial(projection, record, run)
        values, lines = values + compared, lines + faults
    lines += _files(workspace, found)
    return {"trials": len(found), "values": values, "runs": len(runs)}, lines


def _doubled(runs: list[Any]) -> list[str]:
    names = [run.data.tags.get(TAG + "run", "") for run in runs]
    return [f"MLflow has {names.count(name)} runs of {name}" for name in sorted(set(names)) if names.count(name) > 1]


def _left_running(runs: list[Any], found: list[TrialRecord]) -> list[str]:
    unfinished = {f"{record.stage}/{record.key}" for record in found if record.state not in ENDED}
    if unfinished:  # a study under way: its own run and those of its configurations are still open
        return []
    return [
        f"MLflow's run {run.info.run_name!r} is RUNNING and its trial has ended"
        for run in runs
        if run.info.status == "RUNNING"
    ]


def _trial(projection: Projection, record: TrialRecord, run: Any) -> tuple[int, list[str]]:
    name = f"{record.family} {record.stage} {record.number} ({record.key})"
    if run is None:
        return 0, [f"{name}: in the ledger, not in MLflow"]
    faults = []
    if record.state in ENDED and run.info.status != STATUS[record.state]:
        faults.append(f"{name}: {record.state} in the ledger, {run.info.status} in MLflow")
    expected = expected_values(record)
    stored = {
        (metric.key, metric.step): metric.value
        for key in {key for key, _ in expected}
        for metric in projection.client.get_metric_history(run.info.run_id, key)
    }
    for (key, step), value in expected.items():
        there = stored.get((key, step))
        if there != value:
            faults.append(f"{name}: {key} at epoch {step} is {value!r} in the ledger and {there!r} in MLflow")
    return len(expected), faults


def expected_values(record: TrialRecord) -> dict[tuple[str, int], float]:
    """What MLflow should hold of a trial: (metric, epoch) to value."""
    rows = [(int(epoch["epoch"]), epoch) for epoch in record.epochs] + [(len(record.epochs), record.final)]
    return {(key, step): float(value) for step, row in rows for key, value in row.items() if "/" in key}


def _files(workspace: Workspace, found: list[TrialRecord]) -> list[str]:
    """Checkpoints of ended trials should be gone; a study with confirmed trials has its report."""
    ended = {record.key for record in found if record.state in ENDED}
    left = sorted(path.stem for path in workspace.checkpoints.glob("*.pt") if path.stem in ended)
    lines = [f"checkpoints/{key}.pt: its trial has ended" for key in left]
    confirmed = any(record.stage == REPLICATE and record.state in ENDED for record in found)
    if confirmed and not (workspace.report / "index.html").exists():
        lines.append("report/index.html: missing; `uncollapse report` writes it")
    return lines
