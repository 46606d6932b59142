"""A study read back from MLflow, against what its ledger says."""

import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric

from tests.support import mlflow_study, trial_records
from tests.support.tracking_server import server
from uncollapse.analysis.findings import find
from uncollapse.analysis.mlflow_runs import artifacts, runs, sources
from uncollapse.analysis.mlflow_runs.tables import rows, trial_runs, typed, wide
from uncollapse.analysis.report.page import write
from uncollapse.analysis.schema import (
    CURVE_COLUMNS,
    DIVERGED,
    FAILED,
    FINISHED,
    MISSING,
    REPLICATE,
    RUNNING,
    SEARCH,
    STOPPED,
    TRIAL_COLUMNS,
    Records,
)
from uncollapse.study.storage.tables import records, tables
from uncollapse.study.tracking.projection import TAG, Projection
from uncollapse.study.trial_record import TrialRecord

FACTS = {"name": "mine", "families": ["two", "one"], "epochs": trial_records.EPOCHS, "valid_sentences": 50}
SHEET = "samples.txt"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger with a trial in every state."""
    place = tmp_path_factory.mktemp("ledger")
    study = trial_records.study(place, search={"stop_early": "asha", "audit": 0.34})
    search = trial_records.search(study, place)
    for number in range(12):
        record = search.next_trial()
        assert record is not None
        trial_records.train(search, record, until=2 if number == 5 else trial_records.EPOCHS)
        if number == 5:
            search.recorder.diverge(record.key, "the loss became nan in epoch 3")
    replicate = trial_records.replicate(study, place)
    for number in range(8):
        record = replicate.next_trial()
        assert record is not None
        if number == 0:
            replicate.recorder.fail(record.key, "CUDA out of memory")
        elif number == 1:
            trial_records.train(replicate, record, until=3)
        else:
            _finish(replicate, record)
    return place


def _finish(stage: trial_records.Stage, record: TrialRecord) -> None:
    for epoch in range(1, trial_records.EPOCHS + 1):
        stage.recorder.epoch(record.key, trial_records.epoch_record(epoch, trial_records.by_scale(record, epoch)))
    stage.recorder.finish(
        record.key,
        {"valid/nll_iw": 30.0 + record.seed, "valid/mi": 2.0},
        {SHEET: f"seed {record.seed}"},
        kept_epoch=2 * record.seed,
    )


@pytest.fixture(scope="module")
def uri(folder: Path) -> str:
    """The same study in MLflow, with runs that are no trials."""
    projection = Projection(f"sqlite:///{folder / 'mlflow.db'}", "mine", folder / "artifacts", {"code": "abc"})
    projection.open()
    found = records(folder / "runs", "mine")
    for record in found:
        projection.trial(record)
    one = next(record for record in found if record.stage == REPLICATE and record.state == FINISHED)
    name = f"configuration/{one.family}/{one.configuration_id}"
    projection.summarise(name, {"seeds/mi": 2.0}, {}, 1.0)
    final = {"family": "one", "configuration": one.configuration_id, "stage": SEARCH, "key": "none", "seed": "9"}
    last = [Metric("test/nll_iw", 31.0, 1, 9)]
    (folder / "final").mkdir()
    projection.afterwards("final", final, {"family": "one"}, last, folder / "final")
    projection.client.log_text(projection.study_run(), json.dumps(FACTS), runs.FACTS)
    return f"sqlite:///{folder / 'mlflow.db'}"


@pytest.fixture(scope="module")
def read(uri: str) -> Records:
    return runs.records(uri, "mine")


def _expected(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    return tables(record for record in records(folder / "runs", "mine") if record.state != MISSING)


def _same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    assert set(found) == set(expected)
    pd.testing.assert_frame_equal(found[list(expected)], expected, check_dtype=False, rtol=1e-12)


def test_the_trials_are_those_of_the_ledger_column_by_column(read: Records, folder: Path) -> None:
    expected, _ = _expected(folder)
    assert {FINISHED, STOPPED, DIVERGED, FAILED, RUNNING} <= set(expected["state"])
    assert expected["audit"].any()
    assert (expected["kept_epoch"] < expected["epochs"]).any()
    assert set(expected["role"]) == {"", "best", "front"}
    _same(read.trials, expected)
    for name in ("number", "seed", "epochs", "audit", "param.latent.size", "param.latent.prior_scale"):
        assert read.trials[name].dtype == expected[name].dtype


def test_the_curves_are_those_of_the_ledger_column_by_column(read: Records, folder: Path) -> None:
    _, expected = _expected(folder)
    assert len(expected) > 100
    _same(read.curves, expected)


def test_planned_trials_that_never_ran_are_in_the_ledger_alone(read: Records, folder: Path) -> None:
    planned = [record.key for record in records(folder / "runs", "mine") if record.state == MISSING]
    assert planned
    assert not set(read.trials["key"]) & set(planned)


def test_runs_that_are_no_trials_are_left_out(read: Records, uri: str) -> None:
    client = MlflowClient(tracking_uri=uri)
    every = client.search_runs([client.get_experiment_by_name("mine").experiment_id])
    assert {run.data.tags[TAG + "kind"] for run in every} == {"study", "configuration", "trial", "final"}
    assert len(read.trials) == sum(run.data.tags[TAG + "kind"] == "trial" for run in every)
    assert not [name for name in read.trials if name.startswith(("seeds/", "test/"))]


def test_texts_are_those_of_the_ledger_and_fetched_when_they_are_asked_for(
    read: Records, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    fetch = artifacts.Files.fetch
    monkeypatch.setattr(artifacts.Files, "fetch", lambda self, name: asked.append(name) or fetch(self, name))
    left = {record.key: dict(record.artifacts) for record in records(folder / "runs", "mine") if record.artifacts}
    assert set(read.texts) == set(left)
    key = sorted(left)[0]
    assert read.texts[key].get("nothing.txt") is None
    assert asked == []
    assert [read.texts[key][SHEET], read.texts[key].get(SHEET)] == [left[key][SHEET]] * 2
    assert asked == [SHEET]
    assert {key: dict(texts) for key, texts in read.texts.items()} == left


def test_facts_are_the_file_of_the_study_run(read: Records) -> None:
    assert read.study == FACTS


def test_a_report_can_be_written_from_it(read: Records, tmp_path: Path) -> None:
    page = write(find(read), tmp_path)
    assert "one" in page.read_text(encoding="utf-8")


def test_the_plain_client_gives_the_same_tables(read: Records, uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources.Database, "readable", lambda self: False)
    plain = runs.records(uri, "mine")
    _same(plain.trials, read.trials)
    _same(plain.curves, read.curves)
    assert plain.study == read.study


def test_a_database_of_another_shape_is_not_read_directly(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE metrics (run_uuid TEXT, key TEXT, value REAL)")
    database.close()
    assert not sources.Database(f"sqlite:///{path}").readable()


@pytest.mark.parametrize("direct", [True, False])
def test_an_unknown_experiment_is_refused_with_what_is_there(
    uri: str, direct: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources.Database, "readable", lambda self: direct)
    with pytest.raises(ValueError, match=r"experiment of its name; sqlite.* has no 'mien' \(there: .*mine\); check"):
        runs.records(uri, "mien")


def test_a_database_that_is_not_there_is_refused_and_not_made(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    with pytest.raises(ValueError, match=r"A study is read from .* names no file; check the path"):
        runs.records(f"sqlite:///{path}", "mine")
    assert not path.exists()


def test_an_experiment_without_a_trial_gives_empty_tables(uri: str) -> None:
    found = runs.records(uri, "Default")
    assert (len(found.trials), len(found.curves)) == (0, 0)
    assert tuple(found.trials) == TRIAL_COLUMNS
    assert tuple(found.curves) == CURVE_COLUMNS
    assert found.study == {"name": "Default"}


def _run(number: int, stage: str = SEARCH, family: str = "vmf", ended: bool = True, **params: str) -> sources.Run:
    name = f"{family} search {number}" if stage == SEARCH else f"{family} c1 seed {number}"
    tags = {"kind": "trial", "stage": stage, "family": family, "seed": str(number), "key": f"{stage}{number}"}
    tags |= {"run": f"{stage}/{number}"} | ({"state": FINISHED} if ended else {})
    named = {TAG + key: value for key, value in tags.items()} | {"mlflow.runName": name}
    return sources.Run(f"{stage}{number}{ended}", "FINISHED", 5, "", named, {"family": family, **params})


def test_without_the_tag_hyperparameters_are_the_settings_that_differ_in_the_search() -> None:
    same = {"encoder.hidden": "400"}
    found = [
        _run(0, kappa="80.0", size="25", tied="True", **same),
        _run(1, kappa="5.5", size="50", tied="False", **same),
        _run(1, REPLICATE, kappa="5.5", size="50", tied="False", **same),
    ]
    table = pd.DataFrame(rows(found))
    assert [name for name in table if name.startswith("param.")] == ["param.kappa", "param.size", "param.tied"]
    assert table["param.kappa"].tolist() == [80.0, 5.5, 5.5]
    assert table["param.size"].tolist() == [25, 50, 50]
    assert table["param.tied"].tolist() == [True, False, False]
    assert table["number"].tolist()[:2] == [0, 1]
    assert np.isnan(table["number"].tolist()[2])


def test_of_two_runs_of_a_trial_the_one_that_ended_counts() -> None:
    assert [run.id for run in trial_runs([_run(3), _run(3, ended=False), _run(2)])] == [
        "search2True",
        "search3True",
    ]


def test_of_a_value_recorded_twice_the_later_counts() -> None:
    values = [("a", "subset/mi", 1, 20, 2.0), ("a", "subset/mi", 1, 10, 1.0), ("a", "subset/mi", 2, 30, 3.0)]
    table = wide([*values, ("b", "train/loss", 2, 5, 9.0)], {"a": 0, "b": 1})
    assert table["run"].tolist() == [0, 0, 1]
    assert table["epoch"].tolist() == [1, 2, 2]
    assert table["subset/mi"].tolist()[:2] == [2.0, 3.0]
    assert table["train/loss"].isna().tolist() == [True, True, False]


@pytest.mark.parametrize("value", [3, -2, 0.25, 1e-05, True, False, None, "linear", "1,2"])
def test_the_type_of_a_setting_is_restored(value: object) -> None:
    found = typed(str(value))
    assert (found, type(found)) == (value, type(value))


def test_the_bundled_writer_leaves_what_the_projection_leaves(uri: str, tmp_path: Path) -> None:
    some = list(mlflow_study.trials(160, epochs=2))[:17]
    some[0] = replace(some[0], state=RUNNING, ended=0.0)
    assert len(list(mlflow_study.write(uri, "bundled", some, tmp_path / "artifacts"))) == 17
    projection = Projection(uri, "plain", tmp_path / "artifacts", {"code": "abc"})
    projection.open()
    for record in some:
        projection.trial(record)
    bundled, plain = runs.records(uri, "bundled"), runs.records(uri, "plain")
    _same(bundled.trials, plain.trials)
    _same(bundled.curves, plain.curves)


@pytest.mark.slow
@pytest.mark.parametrize("many", [True, False])
def test_a_server_gives_the_same_tables(
    many: bool, folder: Path, read: Records, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if many:
        monkeypatch.delattr(MlflowClient, "get_metric_history")
    else:
        monkeypatch.setattr(sources, "MANY", "/ajax-api/2.0/mlflow/metrics/not-there")
    with server(tmp_path) as tracker:
        projection = Projection(tracker.uri, "mine", tmp_path, {"code": "abc"})
        projection.open()
        for record in records(folder / "runs", "mine"):
            projection.trial(record)
        projection.client.log_text(projection.study_run(), json.dumps(FACTS), runs.FACTS)
        found = runs.records(tracker.uri, "mine")
        assert {key: dict(texts) for key, texts in found.texts.items()} == {
            key: dict(texts) for key, texts in read.texts.items()
        }
    _same(found.trials, read.trials)
    _same(found.curves, read.curves)
    assert found.study == FACTS
