"""What reaches MLflow after a study: a final training, a transfer measurement, a report."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from uncollapse.study.config.tracking_uri import absent, database
from uncollapse.study.errors import UserError
from uncollapse.study.storage.workspace import Workspace
from uncollapse.study.tracking.database import Busy, Unusable
from uncollapse.study.tracking.projection import Projection, metrics_of, milliseconds, parameters

FIRST_FIGURES = ("accuracy", "f1", "pearson", "spearman", "all", "mean", "wmean")  # of a transfer measurement


def logged(log: Callable[[], str], exists: str = "") -> str:
    """The line that says where something was logged, or why not.

    Whatever MLflow raises, as a server does that is away, costs the log alone: the files are on disk.

    Args:
        log: does it, and returns where.
        exists: a tracking URI whose database is not to be made anew where it is gone.
    """
    if (error := absent(exists)) is not None:
        return f"tracking not logged: {error}"
    try:
        return f"tracking {log()}"
    except (Unusable, Busy) as error:
        return f"tracking not logged: {error}"
    except Exception as error:
        return f"tracking not logged: {type(error).__name__}: {error}"


def tracked(content: Mapping[str, Any], file: Path) -> dict[str, Any]:
    """An exported file's content, with the tracking URI of the study in whose folder the file lies.

    A folder of studies may be moved or copied; the URI in the file still names the old one.
    """
    place = Workspace.at(file.resolve().parent.parent)
    try:
        facts = place.read_facts() if place.study == content["from"]["study"] and place.facts.is_file() else None
    except UserError:  # damaged: what is in the file is all that is known
        facts = None
    return {**content, "tracking": place.tracking_uri(facts["settings"]["tracking"]) if facts else content["tracking"]}


def log_final(
    content: Mapping[str, Any], history: Sequence[Mapping[str, float]], measures: Mapping[str, float], folder: Path
) -> tuple[str, str]:
    """Log a final training as a run of the study it came from; returns where, and the run's id.

    Args:
        content: the exported file.
        history: a record an epoch.
        measures: of the validation and the test split.
        folder: with weights and figures, logged as artifacts.
    """
    now = milliseconds(time.time())
    metrics = [metric for epoch in history for metric in metrics_of(epoch, int(epoch["epoch"]), now)]
    metrics += metrics_of(measures, len(history), now)
    return _log_afterwards("final", content, metrics, folder)


def log_transfer(content: Mapping[str, Any], found: Mapping[str, Any], folder: Path) -> str:
    """Log the first figure of every measurement of a transfer run, and its files; returns where.

    Args:
        content: the file from which the model was trained.
        found: `summary`, an entry a measurement.
        folder: with the figures, logged as artifacts.
    """
    figures: dict[str, float] = {}
    for row in found["summary"]:
        place = "/".join(row[key] for key in ("task", "question", "how", "encoder", "vectors", "pairs") if row[key])
        figures |= {f"transfer/{place}/{name}": row[name] for name in FIRST_FIGURES if name in row}
    return _log_afterwards("transfer", content, metrics_of(figures, 0, milliseconds(time.time())), folder)[0]


def log_report(uri: str, study: str, artifacts: Path, report: Path) -> str:
    """Put a report's files beside the run of its study; returns where."""
    projection = Projection(uri, study, artifacts, {})
    projection.open()
    projection.files(report, "report")
    return uri


def _log_afterwards(kind: str, content: Mapping[str, Any], metrics: list[Any], folder: Path) -> tuple[str, str]:
    study, uri = content["from"]["study"], content["tracking"]
    facts = {"code": content["from"]["code"], "corpus": content["corpus_digest"]}
    beside = Workspace((database(uri) or folder).parent, study)
    projection = Projection(uri, study, beside.artifacts, facts, home=beside.facts.is_file())
    projection.open()
    tags = {"family": content["family"], "configuration": content["from"]["configuration"]}
    params = {"family": content["family"], "seed": str(content["seed"]), **parameters(content["model"])}
    run = projection.afterwards(kind, tags, params, metrics, folder)
    return f"{uri} experiment {study!r} run {run}", run
