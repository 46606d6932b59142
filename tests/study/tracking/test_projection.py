"""MLflow as a projection, on a real SQLite store."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.support.mlflow_database import SECONDS, opened
from tests.support.mlflow_database import running_trial as record
from uncollapse.analysis.schema import DIVERGED, FAILED, FINISHED, REPLICATE, RUNNING
from uncollapse.study.tracking.projection import TAG, Projection, experiments
from uncollapse.study.tracking.views import VIEW, VIEWS, address
from uncollapse.study.tracking.writer import Writer


def history(projection: Projection, name: str, metric: str) -> list[tuple[int, float]]:
    found = projection.client.get_metric_history(projection.runs[name], metric)
    return sorted((one.step, one.value) for one in found)


def test_projecting_twice_or_from_a_new_process_adds_nothing(tmp_path: Path) -> None:
    first = opened(tmp_path)
    first.trial(record(1))
    first.trial(record(2))
    second = opened(tmp_path)  # as after a driver's death: the run is there, how much of it is not known
    second.trial(record(3))
    third = opened(tmp_path)
    third.trial(record(3, FINISHED))
    third.trial(record(3, FINISHED))
    assert history(third, "search/k1", "subset/mi") == [(1, 0.1), (2, 0.2), (3, pytest.approx(0.3))]
    runs = third.every_run()
    assert sorted(run.data.tags[TAG + "run"] for run in runs) == ["search/k1", "study"]
    trial = next(run for run in runs if run.data.tags[TAG + "run"] == "search/k1")
    assert trial.info.status == "FINISHED"
    assert trial.info.end_time == int((SECONDS + 100) * 1000)
    assert trial.data.params == {"family": "vmf", "latent.kind": "vmf", "latent.kappa": "80.0"}
    assert trial.data.tags[TAG + "code"] == "abc"


def test_what_was_sent_is_not_sent_again_once_a_run_has_ended(tmp_path: Path) -> None:
    opened(tmp_path).trial(record(3, FINISHED))
    again = opened(tmp_path)
    assert again.sent["search/k1"] == 3


def test_what_has_ended_costs_no_request_when_a_study_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(tmp_path).trial(record(3, FINISHED))
    again = opened(tmp_path)
    monkeypatch.setattr(again, "client", None)
    again.trial(record(3, FINISHED))


def test_a_seed_that_failed_and_is_entered_again_is_sent_from_its_first_epoch(tmp_path: Path) -> None:
    opened(tmp_path).trial(record(3, FAILED, REPLICATE))
    entered = record(4, FINISHED, REPLICATE)
    later = tuple({**epoch, "time": epoch["time"] + 500, "cost/seconds": 7.0} for epoch in entered.epochs)
    again = opened(tmp_path)
    for epochs in (1, 4):
        again.trial(replace(entered, number=9, epochs=later[:epochs], state=FINISHED if epochs == 4 else RUNNING))
    found = again.client.get_metric_history(again.runs["replicate/k1"], "cost/seconds")
    newest = {one.step: one.value for one in sorted(found, key=lambda one: one.timestamp)}
    assert newest == {1: 7.0, 2: 7.0, 3: 7.0, 4: 7.0}


def test_a_diverged_trial_is_a_failed_run_with_its_cause(tmp_path: Path) -> None:
    projection = opened(tmp_path)
    projection.trial(record(1, DIVERGED))
    run = projection.client.get_run(projection.runs["search/k1"])
    assert run.info.status == "FAILED"
    assert run.data.tags[TAG + "state"] == DIVERGED
    assert run.data.tags[TAG + "cause"] == "the loss became nan"


def test_replicates_hang_under_their_configuration(tmp_path: Path) -> None:
    projection = opened(tmp_path)
    projection.trial(record(2, FINISHED, REPLICATE))
    configuration = projection.client.get_run(projection.runs["configuration/vmf/c1"])
    trial = projection.client.get_run(projection.runs["replicate/k1"])
    assert trial.data.tags["mlflow.parentRunId"] == configuration.info.run_id
    assert configuration.data.tags["mlflow.parentRunId"] == projection.runs["study"]
    assert trial.data.metrics["valid/nll_iw"] == 90.0


def test_the_writer_keeps_the_newest_and_sets_aside_what_can_never_be_stored(tmp_path: Path) -> None:
    said: list[str] = []
    writer = Writer(opened(tmp_path), said.append)
    for epochs in (1, 2, 3):
        writer(record(epochs))
    writer(replace(record(3), stage=REPLICATE, configuration={"latent": {"bad key \n%": 1}}))
    assert writer.pending == 2
    writer.start()
    assert writer.close(60.0) == 0
    assert history(writer.projection, "search/k1", "subset/mi")[-1][0] == 3
    assert len(writer.set_aside) == 1
    assert "set aside" in said[0]


def test_a_study_is_found_by_its_name(tmp_path: Path) -> None:
    opened(tmp_path).study_run()
    client = MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'mlflow.db'}")
    assert client.get_experiment_by_name("s") is not None


def test_the_experiment_says_what_it_is_and_keeps_what_a_person_wrote(tmp_path: Path) -> None:
    first = opened(tmp_path)
    assert experiments(first.client.tracking_uri) == {"s": first.experiment}
    kept = first.client.get_experiment(first.experiment).tags
    assert kept["mlflow.experimentKind"] == "custom_model_development"
    for name, (_, searched, *_) in VIEWS.items():
        assert f"?viewStateShareKey={name}" in kept["mlflow.note.content"]
        assert json.loads(kept[VIEW + name])["searchFilter"] == searched
        assert address("http://x", first.experiment, name).endswith(f"/runs?viewStateShareKey={name}")
    first.client.set_experiment_tag(first.experiment, "mlflow.note.content", "mine")
    opened(tmp_path)
    assert first.client.get_experiment(first.experiment).tags["mlflow.note.content"] == "mine"


def test_every_view_finds_its_runs_and_no_others(tmp_path: Path) -> None:
    projection = opened(tmp_path)
    projection.trial(record(2, FINISHED))
    projection.trial(replace(record(2, FINISHED, REPLICATE), key="k2"))
    found = {
        name: [run.data.tags[TAG + "run"] for run in projection.client.search_runs([projection.experiment], searched)]
        for name, (_, searched, *_) in VIEWS.items()
    }
    assert found == {
        "configurations": ["configuration/vmf/c1"],
        "confirmation": ["replicate/k2"],
        "search": ["search/k1"],
    }
