"""Whether ledger, MLflow and files agree."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from uncollapse.analysis.mlflow_runs.sources import Run, Source, source
from uncollapse.analysis.schema import ENDED, MISSING, REPLICATE
from uncollapse.study.config.tracking_uri import database
from uncollapse.study.errors import RunError, UserError, first_line
from uncollapse.study.output import warn
from uncollapse.study.storage import exported_config
from uncollapse.study.storage.fingerprints import family_version
from uncollapse.study.storage.tables import records
from uncollapse.study.storage.workspace import Workspace
from uncollapse.study.tracking.database import Busy, Unusable, client, trouble
from uncollapse.study.tracking.figures import Figure, lacking, latest
from uncollapse.study.tracking.projection import STATUS, name_of
from uncollapse.study.tracking.relocation import elsewhere, folder_of
from uncollapse.study.tracking.stores import refuse_deleted
from uncollapse.study.trial_record import TrialRecord

AT_ONCE = 100  # trials whose values are asked for together
SECONDS = 5.0  # between two words of how far it is


def differences(
    workspace: Workspace,
    facts: Mapping[str, Any],
    say: Callable[[str], None] = warn,
    figures: Sequence[Figure] = (),
) -> tuple[dict[str, int], list[str]]:
    """(what was compared, a sentence for each difference).

    Args:
        workspace: of the study.
        facts: of it.
        say: told how far it is.
        figures: of its report, which the runs of configurations and of the study should have.

    Raises:
        RunError: MLflow does not answer, or not to us, or its database cannot be used.
    """
    found = known_trials(workspace)
    values, runs, lines = _tracked(workspace, facts, found, say, figures)
    lines += _files(workspace, found) + _exported(workspace, facts)
    return {"trials": len(found), "values": values, "runs": runs}, lines


def known_trials(workspace: Workspace) -> list[TrialRecord]:
    """Every trial of the ledger that MLflow has a run of."""
    return [record for record in records(workspace.folder, workspace.study) if record.state != MISSING]


@contextmanager
def reading(uri: str) -> Iterator[None]:
    """What MLflow raises while it is read, as a sentence."""
    try:
        yield
    except (Unusable, Busy) as error:
        raise RunError(f"tracking: nothing was compared: {error}") from error
    except (MlflowException, SQLAlchemyError) as error:
        raise RunError(f"tracking: {uri} cannot be read and nothing was compared ({first_line(error)})") from error


def _tracked(
    workspace: Workspace,
    facts: Mapping[str, Any],
    found: Sequence[TrialRecord],
    say: Callable[[str], None],
    figures: Sequence[Figure],
) -> tuple[int, int, list[str]]:
    """(values compared, runs found, differences)."""
    uri, study = workspace.tracking_uri(facts["settings"]["tracking"]), workspace.study
    with reading(uri):
        place = _source(uri)
        if isinstance(place, str):
            return 0, 0, [f"MLflow: {place}"]
        known = place.experiments()
        if study not in known:
            refuse_deleted(client(uri).get_experiment_by_name(study), uri)
            return 0, 0, [f"MLflow: {uri} has no experiment {study!r}"]
        runs = place.runs(known[study])
        compared, errors = differing(place, runs, found, say)
        errors |= lacking(place, runs, figures)
    lines = _doubled(runs) + _left_running(runs, found) + _unknown(runs, found) + _elsewhere(uri, runs, workspace)
    return compared, len(runs), lines + [line for some in errors.values() for line in some]


def _source(uri: str) -> Source | str:
    """Where MLflow's runs are read, or why there are none."""
    path = database(uri)
    try:
        if path and path.exists() and (sentence := trouble(path)):
            raise Unusable(sentence)
        return source(uri)
    except ValueError as error:  # no such file
        return str(error)


def _doubled(runs: Sequence[Run]) -> list[str]:
    counts = Counter(run.tag("run") for run in runs)
    return [f"MLflow has {counts[name]} runs of {name}" for name in sorted(counts) if counts[name] > 1]


def _left_running(runs: Sequence[Run], found: Sequence[TrialRecord]) -> list[str]:
    if any(record.state not in ENDED for record in found):
        return []  # a study under way: its own run and those of its configurations are still open
    return [
        f"MLflow's run {run.tags.get('mlflow.runName')!r} is RUNNING and its trial has ended"
        for run in runs
        if run.status == "RUNNING"
    ]


def _unknown(runs: Sequence[Run], found: Sequence[TrialRecord]) -> list[str]:
    """Trials that MLflow alone has: the ledger lost them, and MLflow's runs are what is left."""
    known = {name_of(record) for record in found}
    alone = [run for run in runs if run.tag("kind") == "trial" and run.tag("run") not in known]
    return [
        f"MLflow's run {run.tags.get('mlflow.runName')!r} ({run.tag('run')}): in MLflow, not in the ledger; put a copy "
        "of the ledger back, or delete the run on MLflow's page"
        for run in alone
    ]


def _elsewhere(uri: str, runs: Sequence[Run], workspace: Workspace) -> list[str]:
    """Where MLflow looks for a study's files, and they are not: a database keeps whole paths."""
    if database(uri) is None:
        return []  # a server has a place of its own
    away = {run.artifacts: run for run in runs if elsewhere([run.artifacts], workspace.artifacts)}
    if not away:
        return []
    return [
        f"MLflow looks for the files of {len(away)} of {len(runs)} runs elsewhere, first in {folder_of(min(away))}; "
        f"the study's are in {workspace.artifacts}"
    ]


def differing(
    place: Source, runs: Sequence[Run], found: Sequence[TrialRecord], say: Callable[[str], None]
) -> tuple[int, dict[str, list[str]]]:
    """(values compared, differences by the trial's name) of all trials, so many at once."""
    by_name = {run.tag("run"): run for run in sorted(runs, key=lambda run: run.status != "RUNNING")}
    lines: dict[str, list[str]] = {}
    compared, done, said, rest = 0, 0, time.monotonic(), iter(found)
    while some := list(islice(rest, AT_ONCE)):
        pairs = [(record, by_name.get(name_of(record))) for record in some]
        stored = latest(place, [run for _, run in pairs if run])
        for record, run in pairs:
            if run is None:
                lines[name_of(record)] = [f"{_name(record)}: in the ledger, not in MLflow"]
                continue
            expected = expected_values(record)
            compared += len(expected)
            if wrong := _state(record, run) + _values(record, expected, stored.get(run.id, {})):
                lines[name_of(record)] = wrong
        done += len(some)
        if time.monotonic() - said > SECONDS and done < len(found):
            said = time.monotonic()
            say(f"compared {done:,} of {len(found):,} trials")
    return compared, lines


def _name(record: TrialRecord) -> str:
    return f"{record.family} {record.stage} {record.number} ({record.key})"


def _state(record: TrialRecord, run: Run) -> list[str]:
    if record.state not in ENDED or run.status == STATUS[record.state]:
        return []
    return [f"{_name(record)}: {record.state} in the ledger, {run.status} in MLflow"]


def _values(
    record: TrialRecord, expected: Mapping[tuple[str, int], float], stored: Mapping[tuple[str, int], float]
) -> list[str]:
    lines = [
        f"{_name(record)}: {key} at epoch {step} is {value!r} in the ledger and {stored.get((key, step))!r} in MLflow"
        for (key, step), value in expected.items()
        if stored.get((key, step)) != value
    ]
    if record.state in ENDED:  # of a running trial MLflow may know more than the ledger said when it was read
        more = sorted(stored.keys() - expected.keys())
        lines += [f"{_name(record)}: {key} at epoch {step} is in MLflow, not in the ledger" for key, step in more]
    return lines


def expected_values(record: TrialRecord) -> dict[tuple[str, int], float]:
    """What MLflow should hold of a trial: (metric, epoch) to value."""
    rows = [(int(epoch["epoch"]), epoch) for epoch in record.epochs] + [(len(record.epochs), record.final)]
    return {(key, step): float(value) for step, row in rows for key, value in row.items() if "/" in key}


def _files(workspace: Workspace, found: Sequence[TrialRecord]) -> list[str]:
    """Checkpoints of ended trials should be gone; a study with confirmed trials has its report."""
    ended = {record.key for record in found if record.state in ENDED}
    left = sorted(path.stem for path in workspace.checkpoints.glob("*.pt") if path.stem in ended)
    lines = [f"checkpoints/{key}.pt: its trial has ended" for key in left]
    confirmed = any(record.stage == REPLICATE and record.state in ENDED for record in found)
    if confirmed and not (workspace.report / "index.html").exists():
        lines.append("report/index.html: missing; `uncollapse report` writes it")
    return lines


def _exported(workspace: Workspace, facts: Mapping[str, Any]) -> list[str]:
    """Exported files should name the code with which the study was trained."""
    lines: list[str] = []
    for path in sorted(workspace.best.glob("*.yaml")):
        if path.stem not in facts["settings"]["families"]:
            lines.append(f"best/{path.name}: the study has no family of this name")
            continue
        try:
            origin = exported_config.read(path, edited=True)["from"]
        except UserError as error:
            lines += error.errors
            continue
        if origin.get("code") != (known := family_version(facts["code"], path.stem)):
            lines.append(f"best/{path.name}: of training code {origin.get('code')}, and the study's is {known}")
    return lines
