"""A study in ledger and MLflow, for what compares and mends the two."""

import json
import shutil
import sqlite3
from pathlib import Path

from tests.support import trial_records
from uncollapse.analysis.report.page import write
from uncollapse.study.results import export, findings
from uncollapse.study.stages.replicate import ReplicateStage
from uncollapse.study.stages.search import SearchStage
from uncollapse.study.storage.ledger import Ledger
from uncollapse.study.storage.recorder import Recorder
from uncollapse.study.storage.tables import records
from uncollapse.study.storage.workspace import Workspace
from uncollapse.study.tracking.projection import Projection
from uncollapse.study.tracking.verification import differences
from uncollapse.study.trial_record import TrialRecord

FACTS = {
    "study": "mine",
    "page": "mine.yaml",
    "created": "2026-01-01T00:00:00+00:00",
    "packages": {},
    "code": "",
    "corpus": {"name": "cafes", "digest": "0" * 16, "facts": {"splits": {"valid": {"sentences": 100}}}},
}
COUNT = {"trials": 6, "values": (5 * 9 + 4) * 4, "runs": 7}


def workspace(folder: Path, tracking: str | None = None) -> Workspace:
    """A search of six trials, one of which diverged, in ledger and MLflow."""
    where = {"tracking": tracking} if tracking else {}
    study = trial_records.study(folder, names=("one",), search={"stop_early": "none"}, **where)
    place = Workspace(folder / "runs", "mine")
    stage = SearchStage(study, "corpus", Recorder(Ledger(place.folder, "mine", write=True), "valid/nll_iw"))
    trial_records.run(stage, trials=5)
    last = stage.next_trial()
    assert last is not None
    trial_records.train(stage, last, until=4)
    stage.recorder.diverge(last.key, "the loss became nan")
    place.write_facts({**FACTS, "settings": study.settings()})
    project(place, records(place.folder, "mine"))
    return place


def concluded(folder: Path) -> Workspace:
    """A study that was searched, confirmed and concluded, as its end leaves it in MLflow."""
    study = trial_records.study(folder, names=("one",), search={"stop_early": "none"})
    place = Workspace(folder / "runs", "mine")
    recorder = Recorder(Ledger(place.folder, "mine", write=True), "valid/nll_iw")
    trial_records.run(SearchStage(study, "corpus", recorder))
    trial_records.run(ReplicateStage(study, "corpus", recorder))
    settings = json.loads(json.dumps(study.settings()))
    place.write_facts({**FACTS, "settings": settings})
    known = records(place.folder, "mine")
    projection = Projection(place.tracking_uri(None), "mine", place.artifacts, {})
    projection.open()
    for record in known:
        projection.trial(record)
    found = findings.find(place, known)
    for figure in export.figures(found, known):
        projection.summarise(*figure)
    projection.files(write(found, place.folder).parent, "report")
    return place


def project(place: Workspace, found: list[TrialRecord]) -> None:
    """As the writer of a study does."""
    uri = place.tracking_uri(place.read_facts()["settings"]["tracking"])
    projection = Projection(uri, "mine", place.artifacts, {})
    projection.open()
    for record in found:
        projection.trial(record)
    projection.summarise("study", {}, {}, 1.0)


def compared(place: Workspace) -> tuple[dict[str, int], list[str]]:
    return differences(place, place.read_facts())


def change(place: Workspace, statement: str) -> None:
    database = sqlite3.connect(place.runs / "mlflow.db")
    with database:
        assert database.execute(statement).rowcount > 0
    database.close()


def copied(place: Workspace, folder: Path) -> Workspace:
    """Another folder of studies with the same study, whose files MLflow looks for in it."""
    shutil.copytree(place.runs, folder / "runs")
    copy = Workspace(folder / "runs", "mine")
    Projection(copy.tracking_uri(None), "mine", copy.artifacts, {}).open()
    return copy
