"""`verify` on a real study in MLflow's SQLite: it finds each kind of difference, and nothing where all agree."""

from pathlib import Path

import pytest
import yaml

from tests.study.tracking.studies import COUNT, change, compared, copied, workspace
from tests.support.cluster_nodes import free_port
from tests.support.exported_files import CORPUS, exported
from tests.support.models import write
from tests.support.tracking_server import server
from uncollapse.study.corpora.prepare import prepare
from uncollapse.study.errors import RunError
from uncollapse.study.storage.tables import records
from uncollapse.study.storage.workspace import Workspace
from uncollapse.study.tracking import verification
from uncollapse.study.tracking.projection import TAG
from uncollapse.study.tracking.verification import differences

RUN = f"(SELECT run_uuid FROM tags WHERE key = '{TAG}number' AND value = '2')"
CHANGES = {
    "UPDATE metrics SET value = value + 1 WHERE key = 'subset/nll_iw' AND step = 2 AND run_uuid = " + RUN: (
        "one search 2 (KEY): subset/nll_iw at epoch 2 is "
    ),
    "DELETE FROM metrics WHERE key = 'cost/updates' AND step = 9 AND run_uuid = " + RUN: (
        "one search 2 (KEY): cost/updates at epoch 9 is 90.0 in the ledger and None in MLflow"
    ),
    f"INSERT INTO metrics SELECT key, 1.5, timestamp, run_uuid, 11, is_nan FROM metrics WHERE key = 'cost/updates' AND step = 9 AND run_uuid = {RUN}": (
        "one search 2 (KEY): cost/updates at epoch 11 is in MLflow, not in the ledger"
    ),
    "UPDATE runs SET lifecycle_stage = 'deleted' WHERE run_uuid = " + RUN: (
        "one search 2 (KEY): in the ledger, not in MLflow"
    ),
    "UPDATE runs SET status = 'FAILED' WHERE run_uuid = " + RUN: (
        "one search 2 (KEY): finished in the ledger, FAILED in MLflow"
    ),
    "UPDATE runs SET status = 'RUNNING' WHERE name = 'mine'": "MLflow's run 'mine' is RUNNING and its trial has ended",
    f"UPDATE tags SET value = 'search/x' WHERE key = '{TAG}run' AND value != 'study'": "MLflow has 6 runs of search/x",
    f"UPDATE tags SET value = 'search/gone' WHERE key = '{TAG}run' AND run_uuid = {RUN}": (
        "MLflow's run 'one search 2' (search/gone): in MLflow, not in the ledger; put a copy of the ledger back"
    ),
}
LINES = {"6 runs": 6 + 1 + 6, "search/gone": 2}  # 1 for the others


@pytest.fixture(scope="module")
def agreeing(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return workspace(tmp_path_factory.mktemp("agreeing"))


def test_a_study_that_agrees_has_no_differences_and_stays_as_it_is(agreeing: Workspace) -> None:
    before = {path: path.read_bytes() for path in agreeing.runs.rglob("*") if path.is_file()}
    assert compared(agreeing) == (COUNT, [])
    assert {path: path.read_bytes() for path in agreeing.runs.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("statement", CHANGES)
def test_each_difference_is_named(agreeing: Workspace, tmp_path: Path, statement: str) -> None:
    place = copied(agreeing, tmp_path)
    key = next(record.key for record in records(place.folder, "mine") if record.number == 2)
    change(place, statement)
    _, lines = compared(place)
    assert any(line.startswith(CHANGES[statement].replace("KEY", key)) for line in lines), lines
    assert len(lines) == next((count for part, count in LINES.items() if part in CHANGES[statement]), 1)


def test_a_checkpoint_of_an_ended_trial_is_named(agreeing: Workspace, tmp_path: Path) -> None:
    place = copied(agreeing, tmp_path)
    place.checkpoints.mkdir(exist_ok=True)
    key = records(place.folder, "mine")[0].key
    (place.checkpoints / f"{key}.pt").touch()
    assert compared(place)[1] == [f"checkpoints/{key}.pt: its trial has ended"]


def test_a_database_or_an_experiment_that_is_not_there_is_a_difference_and_none_is_made(
    agreeing: Workspace, tmp_path: Path
) -> None:
    place = copied(agreeing, tmp_path)
    change(place, "UPDATE experiments SET name = 'other' WHERE name = 'mine'")
    (line,) = compared(place)[1]
    assert line.endswith("has no experiment 'mine'")
    change(place, "UPDATE experiments SET name = 'mine', lifecycle_stage = 'deleted' WHERE name = 'other'")
    with pytest.raises(RunError, match=r"experiment 'mine' \(number 1\) of .* is deleted; .* restores it"):
        compared(place)
    (place.runs / "mlflow.db").unlink()
    (line,) = compared(place)[1]
    assert "names no file" in line
    assert not (place.runs / "mlflow.db").exists()


def test_it_says_how_far_it_is(agreeing: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "AT_ONCE", 4)
    monkeypatch.setattr(verification, "SECONDS", 0.0)
    said: list[str] = []
    assert differences(agreeing, agreeing.read_facts(), said.append) == (COUNT, [])
    assert said == ["compared 4 of 6 trials"]


def test_a_server_that_is_away_is_a_failed_run_with_a_sentence(tmp_path: Path, agreeing: Workspace) -> None:
    uri = f"http://127.0.0.1:{free_port()}"
    facts = agreeing.read_facts()
    facts["settings"]["tracking"] = uri
    with pytest.raises(RunError, match=f"tracking: {uri} cannot be read and nothing was compared"):
        differences(agreeing, facts)


@pytest.mark.slow
def test_a_server_is_asked_once_a_metric_and_not_once_a_trial(tmp_path: Path) -> None:
    with server(tmp_path) as tracker:
        place = workspace(tmp_path, tracker.uri)
        before = history_requests(tmp_path)
        assert compared(place) == (COUNT, [])
        asked = history_requests(tmp_path) - before
        print(f"{asked} requests for the histories of {COUNT['trials']} trials x 4 metrics")
        assert asked == 4


def history_requests(folder: Path) -> int:
    return (folder / "server.log").read_text().count("/metrics/get-history")


def test_an_exported_file_of_other_code_is_named(tmp_path: Path) -> None:
    place = workspace(tmp_path)
    corpus = prepare(CORPUS, tmp_path / "cache", tmp_path)
    content = exported("seqvae", corpus, **{"from": {"study": "made", "code": "abc"}})
    write(place.best / "one.yaml", yaml.safe_dump(content))
    place.write_facts({**place.read_facts(), "code": {"one": {"models/text_vae.py": "a"}}})
    _, (line,) = compared(place)
    assert line.startswith("best/one.yaml: of training code abc, and the study's is ")
    write(place.best / "one.yaml", "no: export\n")
    assert "one.yaml: an exported file has format, family" in compared(place)[1][0]
    (place.best / "one.yaml").rename(place.best / "other.yaml")
    assert compared(place)[1] == ["best/other.yaml: the study has no family of this name"]
