"""A study's experiment that somebody deleted: said with the remedy, restored, or replaced where that is asked for."""

from pathlib import Path

import pytest
from mlflow.entities import ViewType

from tests.support.mlflow_database import opened, running_trial
from uncollapse.analysis.schema import FINISHED
from uncollapse.study.config.tracking_uri import sqlite_uri
from uncollapse.study.tracking.final_runs import log_report, logged
from uncollapse.study.tracking.projection import Projection
from uncollapse.study.tracking.writer import Writer


def writer(folder: Path, said: list[str], anew: bool = False) -> Writer:
    uri = sqlite_uri(folder / "mlflow.db")
    projection = Projection(uri, "s", folder / "artifacts", {}, owner=True, anew=anew, say=said.append)
    return Writer(projection, said.append)


def test_a_deleted_experiment_is_said_once_with_what_restores_it(tmp_path: Path) -> None:
    first = opened(tmp_path)
    first.trial(running_trial(1))
    first.client.delete_experiment(first.experiment)
    said: list[str] = []
    later = writer(tmp_path, said)
    for key in range(3):
        later(running_trial(2, key=f"k{key}"))
    later.start()
    assert later.close(60.0) == 3, "nothing waits"
    (sentence,) = said
    assert sentence.startswith("tracking: the study goes on without MLflow: experiment 's' (number 1) of sqlite:///")
    assert "experiments restore --experiment-id 1` restores it" in sentence
    assert later.set_aside == []
    report = logged(lambda: log_report(first.uri, "s", tmp_path / "artifacts", tmp_path))
    assert report.startswith("tracking not logged: experiment 's' (number 1)")
    first.client.restore_experiment(first.experiment)
    again = writer(tmp_path, said)
    again(running_trial(2, FINISHED))
    again.start()
    assert again.close(60.0) == 0
    assert said == [sentence]


def test_one_that_is_deleted_meanwhile_is_found_out_by_the_first_refusal(tmp_path: Path) -> None:
    said: list[str] = []
    under_way = writer(tmp_path, said)
    under_way(running_trial(1))
    under_way.submit(lambda: under_way.projection.client.delete_experiment(under_way.projection.experiment))
    for key in range(3):
        under_way.submit(lambda key=key: under_way.projection.trial(running_trial(1, key=f"k{key}")))
    under_way.start()
    assert under_way.close(60.0) > 0
    (sentence,) = said
    assert "is deleted" in sentence


def test_a_new_one_on_request_leaves_the_deleted_one_deleted(tmp_path: Path) -> None:
    first = opened(tmp_path)
    first.client.delete_experiment(first.experiment)
    said: list[str] = []
    anew = writer(tmp_path, said, anew=True)
    anew(running_trial(1, FINISHED))
    anew.start()
    assert anew.close(60.0) == 0
    (sentence,) = said
    assert sentence.startswith("tracking: the deleted experiment 1 is now called 's (put aside ")
    found = first.client.search_experiments(view_type=ViewType.ALL)
    assert {one.name.partition(" (")[0] + one.lifecycle_stage for one in found} >= {"sactive", "sdeleted"}
    assert set(opened(tmp_path).runs) == {"study", "search/k1"}


@pytest.mark.parametrize("anew", [False, True])
def test_what_can_be_used_is_not_put_aside(anew: bool, tmp_path: Path) -> None:
    opened(tmp_path).trial(running_trial(1, FINISHED))
    said: list[str] = []
    later = writer(tmp_path, said, anew)
    later(running_trial(1, FINISHED))
    later.start()
    assert later.close(60.0) == 0
    assert said == []
    assert len(opened(tmp_path).every_run()) == 2
