"""MLflow brought back to the ledger: each kind of difference is mended, and what MLflow alone has stays."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.study.tracking.studies import COUNT, change, compared, concluded, copied, workspace
from uncollapse.cli.main import main
from uncollapse.study.storage.locks import owned
from uncollapse.study.storage.tables import records
from uncollapse.study.storage.workspace import Workspace
from uncollapse.study.tracking.mending import mend
from uncollapse.study.tracking.merging import PARENT, TAG
from uncollapse.study.tracking.projection import Projection

RUN = f"(SELECT run_uuid FROM tags WHERE key = '{TAG}number' AND value = '2')"
CHANGES = [
    f"UPDATE metrics SET value = value + 1 WHERE key = 'subset/nll_iw' AND step = 2 AND run_uuid = {RUN}",
    f"DELETE FROM metrics WHERE key = 'cost/updates' AND step = 9 AND run_uuid = {RUN}",
    f"UPDATE runs SET lifecycle_stage = 'deleted' WHERE run_uuid = {RUN}",
    f"UPDATE runs SET status = 'FAILED' WHERE run_uuid = {RUN}",
    "UPDATE runs SET status = 'RUNNING' WHERE name = 'mine'",
]


@pytest.fixture(scope="module")
def agreeing(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return workspace(tmp_path_factory.mktemp("agreeing"))


def mended(place: Workspace) -> list[str]:
    return mend(place, place.read_facts(), lambda sentence: None)


@pytest.mark.parametrize("statement", CHANGES)
def test_each_difference_is_mended_from_the_ledger(agreeing: Workspace, tmp_path: Path, statement: str) -> None:
    place = copied(agreeing, tmp_path)
    change(place, statement)
    assert len(compared(place)[1]) == 1
    assert len(mended(place)) == 1
    assert compared(place) == (COUNT, [])
    assert mended(place) == []


def test_runs_that_are_double_become_one(agreeing: Workspace, tmp_path: Path) -> None:
    place = copied(agreeing, tmp_path)
    projection = opened(place)
    record = records(place.folder, "mine")[2]
    name = f"search/{record.key}"
    for double in ("study", name):
        tags = {TAG + "run": double, TAG + "kind": "study" if double == "study" else "trial"}
        projection.client.create_run(projection.experiment, tags=tags, run_name="a double")
    known = {double: projection.runs.pop(double) for double in ("study", name)}
    (other,) = [
        run
        for run in projection.every_run()
        if run.info.run_name == "a double" and "study" in run.data.tags[TAG + "run"]
    ]
    projection.client.log_text(other.info.run_id, "of the double", "only.txt")
    projection.client.set_tag(known[name], PARENT, other.info.run_id)
    assert sorted(compared(place)[1]) == [
        "MLflow has 2 runs of " + name,
        "MLflow has 2 runs of study",
        *["MLflow's run 'a double' is RUNNING and its trial has ended"] * 2,
    ]
    assert in_a_process_of_its_own(place) == 0
    assert compared(place) == (COUNT, [])
    again = opened(place)
    assert again.runs["study"] == known["study"], "the one that has ended is kept"
    kept = (place.artifacts / known["study"] / "artifacts").iterdir()
    assert sorted(path.name for path in kept) == ["facts.json", "only.txt"]
    assert again.client.get_run(known[name]).data.tags[PARENT] == known["study"]


def opened(place: Workspace) -> Projection:
    projection = Projection(place.tracking_uri(None), "mine", place.artifacts, {})
    projection.open()
    return projection


def test_what_the_ledger_lost_stays_in_mlflow(agreeing: Workspace, tmp_path: Path) -> None:
    place = copied(agreeing, tmp_path)
    change(place, f"UPDATE tags SET value = 'search/gone' WHERE key = '{TAG}run' AND run_uuid = {RUN}")
    assert len(mended(place)) == 1, "the trial of the ledger is sent"
    (line,) = compared(place)[1]
    assert "search/gone): in MLflow, not in the ledger" in line


def test_a_database_that_is_gone_is_filled_again(agreeing: Workspace, tmp_path: Path) -> None:
    place = copied(agreeing, tmp_path)
    (place.runs / "mlflow.db").unlink()
    assert len(mended(place)) == COUNT["trials"] + 1
    assert compared(place) == (COUNT, [])


@pytest.mark.parametrize("how", ["moved", "copied", "a link"])
def test_a_studys_files_are_where_the_study_is(agreeing: Workspace, tmp_path: Path, how: str) -> None:
    shutil.copytree(agreeing.runs, tmp_path / "runs")
    first, there = Workspace(tmp_path / "runs", "mine"), tmp_path / "elsewhere"
    assert in_a_process_of_its_own(first) == 0
    {"moved": first.runs.rename, "copied": partial(shutil.copytree, first.runs), "a link": linked(first.runs)}[how](
        there
    )
    place, before = Workspace(there, "mine"), listing(first.runs)
    lines, away = compared(place)[1], how != "a link"
    assert [line.startswith("MLflow looks for the files of 7 of 7 runs elsewhere") for line in lines] == [True] * away
    place.write_facts({**place.read_facts(), "page": "later.yaml"})
    assert in_a_process_of_its_own(place) == 0
    assert compared(place) == (COUNT, [])
    (facts,) = (there / "artifacts" / "mine").rglob("facts.json")
    assert "later.yaml" in facts.read_text()
    if away:
        assert listing(first.runs) == before, "nothing is written where the study was"


def linked(runs: Path) -> Callable[[Path], None]:
    return lambda there: there.symlink_to(runs)


def in_a_process_of_its_own(place: Workspace) -> int:
    """Mend; MLflow remembers for as long as a process lives where it found the files of a run."""
    command = [sys.executable, "-P", "-m", "uncollapse", "verify", "mine", "--runs", str(place.runs), "--mend"]
    return subprocess.run(command, capture_output=True, check=False).returncode


def listing(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_command_mends_and_then_compares(
    agreeing: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = copied(agreeing, tmp_path)
    change(place, CHANGES[-1])
    shutil.copytree(place.folder, tmp_path / "kept")
    command = ["verify", "mine", "--runs", str(place.runs)]
    assert main(command) == 1
    assert "`uncollapse verify mine --mend` brings MLflow to what the ledger says" in capsys.readouterr().out
    with owned(place.folder):
        assert main([*command, "--mend"]) == 2
    assert "is running this one" in capsys.readouterr().err
    assert main([*command, "--mend"]) == 0
    said = capsys.readouterr().out
    assert "ended the run 'mine'" in said
    assert "all agree" in said


CONFIGURATION = f"(SELECT min(run_uuid) FROM tags WHERE key = '{TAG}kind' AND value = 'configuration')"
STUDY = f"(SELECT run_uuid FROM tags WHERE key = '{TAG}kind' AND value = 'study')"
FIGURES = {
    "of a configuration are gone": f"DELETE FROM metrics WHERE run_uuid = {CONFIGURATION}",
    "of a configuration are others": f"UPDATE metrics SET value = value + 1 WHERE run_uuid = {CONFIGURATION}",
    "of the study are gone": f"DELETE FROM metrics WHERE run_uuid = {STUDY}",
    "of the study are others": f"UPDATE metrics SET value = value + 1 WHERE run_uuid = {STUDY}",
    "are deleted with their run": f"UPDATE runs SET lifecycle_stage = 'deleted' WHERE run_uuid = {CONFIGURATION}",
}


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return concluded(tmp_path_factory.mktemp("ended"))


@pytest.mark.parametrize("case", FIGURES)
def test_figures_of_configurations_and_of_the_study_are_sent_again(
    case: str, ended: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = copied(ended, tmp_path)
    command = ["verify", "mine", "--runs", str(place.runs)]
    assert main(command) == 0, capsys.readouterr().out
    change(place, FIGURES[case])
    assert main(command) == 1
    assert "in the report" in capsys.readouterr().out
    assert main([*command, "--mend"]) == 0
    said = capsys.readouterr().out
    assert said.count("sent the figures of ") == 1
    assert "all agree" in said
    assert_each_trial_stands_under_its_configuration(place)
    assert main([*command, "--mend"]) == 0
    assert "sent" not in capsys.readouterr().out


def assert_each_trial_stands_under_its_configuration(place: Workspace) -> None:
    projection = opened(place)
    tags = {run.info.run_id: run.data.tags for run in projection.every_run()}
    confirmed = [own for own in tags.values() if own.get(TAG + "stage") == "replicate"]
    assert confirmed
    for own in confirmed:
        assert tags[own[PARENT]][TAG + "run"] == f"configuration/one/{own[TAG + 'configuration']}"


def test_of_a_database_that_is_gone_figures_and_report_come_back(
    ended: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = copied(ended, tmp_path)
    for left in place.runs.glob("mlflow.db*"):
        left.unlink()
    shutil.rmtree(place.artifacts)
    assert in_a_process_of_its_own(place) == 0
    projection = opened(place)
    runs = {run.data.tags[TAG + "run"]: run for run in projection.every_run()}
    figures = [run.data.metrics for name, run in runs.items() if name.startswith("configuration/")]
    assert figures
    assert all("seeds/nll_iw_median" in own or own for own in figures)
    assert {"report/index.html"} <= {
        file.path for file in projection.client.list_artifacts(projection.study_run(), "report")
    }
