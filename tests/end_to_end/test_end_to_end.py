"""A whole study on a real local Ray and a real SQLite MLflow, then everything a user does with it."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
import yaml
from safetensors.torch import load_file

from tests.support.running_studies import left, mlflow_runs, names, page, run
from uncollapse.analysis.findings import find
from uncollapse.analysis.mlflow_runs import runs
from uncollapse.analysis.schema import FINISHED, REPLICATE, SEARCH, STOPPED
from uncollapse.cli.main import main
from uncollapse.study.results import findings
from uncollapse.study.storage.journal import Journal
from uncollapse.study.storage.workspace import Workspace

FAMILIES = ["seqvae", "vmf", "lstm_lm"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study: `faulty.yaml` and `runs/`."""
    place = tmp_path_factory.mktemp("whole")
    search = {"trials": 4, "sampler": "tpe", "stop_early": "asha", "audit": 0.25, "subject_to": "none"}
    study = page(place, search=search, families=FAMILIES, export={"collapse_limit": 1.0})
    done = run(study, place / "runs")
    (place / "said").write_text(done.stdout)
    return place


def ask(folder: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    code = main([*arguments, "--runs", str(folder / "runs"), "--json"])
    said = capsys.readouterr()
    assert code == 0, said.err
    return json.loads(said.out)


def test_every_planned_trial_is_recorded(folder: Path) -> None:
    found = left(folder / "runs")
    assert sum(record.stage == SEARCH for record in found) == 4 * len(FAMILIES)
    assert sum(record.stage == REPLICATE for record in found) == 3 * len(FAMILIES)
    assert {record.state for record in found} <= {FINISHED, STOPPED}
    assert all(record.state == FINISHED for record in found if record.stage == REPLICATE or record.audit)
    tuning = {record.seed for record in found if record.stage == SEARCH}
    confirmation = {record.seed for record in found if record.stage == REPLICATE}
    assert confirmation == {1, 2, 3}
    assert not tuning & confirmation


def test_it_says_what_happens_while_it_runs(folder: Path) -> None:
    said = (folder / "said").read_text()
    assert "search: 12 trials of 3 families, 2 at a time" in said
    assert "[12/12]" in said
    assert "[9/9]" in said
    assert "report " in said


def test_status_report_and_verify_agree(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = ask(folder, capsys, "status", "faulty")
    assert not status["running"]
    assert sum(row["finished"] + row["stopped"] for row in status["rows"]) == 21
    assert all(row["missing"] == 0 for row in status["rows"])
    verified = ask(folder, capsys, "verify", "faulty")
    assert verified["differences"] == []
    assert verified["compared"]["trials"] == 21
    assert ask(folder, capsys, "report", "faulty")["schema"]


def test_the_analysis_finds_the_same_from_mlflow_alone(folder: Path) -> None:
    told = findings.gather(Workspace(folder / "runs", "faulty"), left(folder / "runs"))
    read = runs.records(f"sqlite:///{folder / 'runs' / 'mlflow.db'}", "faulty")
    assert read.study == json.loads(json.dumps(told.study, default=str))
    first, second = find(told), find(read)
    for name in ("configurations", "families", "states"):
        one, other = getattr(first, name), getattr(second, name)
        shared = [column for column in one if column != "settings"]
        pd.testing.assert_frame_equal(one[shared], other[shared], check_dtype=False)
    assert set(first.sparsity.agreement["index"].dropna()) == set(second.sparsity.agreement["index"].dropna())


def test_other_thresholds_judge_the_same_trials_anew(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    usual = ask(folder, capsys, "report", "faulty")
    strict = ask(folder, capsys, "report", "faulty", "--mi", "1000")
    judged = [row for row in strict["families"] if row["judged"]]
    assert judged
    assert all(row["collapsed"] == row["judged"] for row in judged)
    assert strict["thresholds"]["mi"] == 1000
    assert ask(folder, capsys, "report", "faulty") == usual
    assert main(["report", "faulty", "--runs", str(folder / "runs"), "--mi", "-1", "--partial", "nan"]) == 2
    assert "--mi: a number of nats above 0, found -1.0" in capsys.readouterr().err


def test_a_study_beside_itself_differs_in_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = ask(folder, capsys, "report", "faulty", "faulty")
    known = [row for row in found["medians"] if row["scope"] == "shared" and row["difference"] is not None]
    assert {(row["difference"], row["method"]) for row in known} == {(0.0, "paired by seed")}
    assert {row["family"] for row in known} == set(FAMILIES)
    assert main(["report", "faulty", "faulty", "--runs", str(folder / "runs"), "--markdown"]) == 0
    assert "| seqvae" in capsys.readouterr().out
    assert main(["report", "faulty", "nothing", "--runs", str(folder / "runs")]) == 2
    assert "no study 'nothing'" in capsys.readouterr().err


def test_verify_names_a_value_that_differs(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import sqlite3

    copy = tmp_path / "runs"
    shutil.copytree(folder / "runs", copy)
    database = sqlite3.connect(copy / "mlflow.db")
    with database:
        database.execute("UPDATE metrics SET value = value + 1 WHERE key = 'subset/mi' AND step = 2")
    database.close()
    facts = json.loads((copy / "faulty" / "study.json").read_text())
    assert facts["settings"]["tracking"] is None
    assert main(["verify", "faulty", "--runs", str(copy)]) == 1
    said = capsys.readouterr().out
    assert re.search(r"subset/mi at epoch 2 is \S+ in the ledger and \S+ in MLflow", said)


def test_mlflow_holds_one_run_a_trial_under_its_configuration(folder: Path) -> None:
    runs = mlflow_runs(folder / "runs")
    assert len(set(names(runs))) == len(runs) == 21 + len(FAMILIES) + 1
    assert {one.info.status for one in runs} == {"FINISHED"}
    by_id = {one.info.run_id: one for one in runs}
    for one in runs:
        tags = one.data.tags
        parent = by_id.get(tags.get("mlflow.parentRunId", ""))
        if tags.get("uncollapse.stage") == REPLICATE:
            assert parent is not None
            assert parent.data.tags["uncollapse.configuration"] == tags["uncollapse.configuration"]
            assert parent.data.params["latent.kind"] == one.data.params["latent.kind"]


def test_tables_and_page_hold_every_family(folder: Path) -> None:
    report = folder / "runs" / "faulty" / "report"
    html = (report / "index.html").read_text(encoding="utf-8")
    trials = pd.read_csv(report / "trials.csv")
    assert len(trials) == 21
    assert set(trials["family"]) == set(FAMILIES)
    assert all(family in html for family in FAMILIES)


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium on this machine to open the page in")
def test_the_page_opens_offline_in_a_browser(folder: Path, tmp_path: Path) -> None:
    page_uri = (folder / "runs" / "faulty" / "report" / "index.html").as_uri()
    quiet = ["--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync", "--disable-quic"]
    browser = ["chromium", "--headless", "--no-sandbox", *quiet, f"--user-data-dir={tmp_path}"]
    done = subprocess.run(
        [*browser, "--virtual-time-budget=10000", "--dump-dom", page_uri],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout.count('class="main-svg"') >= 8, "the pictures are drawn"
    assert "Uncaught" not in done.stderr


def test_an_exported_file_trains_alone_and_leaves_safe_weights(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exported = folder / "runs" / "faulty" / "best" / "vmf.yaml"
    done = ask(folder, capsys, "train", str(exported), "--out", str(tmp_path / "final"))
    assert {name.split("/")[0] for name in done["measures"]} == {"valid", "test"}
    weights = load_file(tmp_path / "final" / "model.safetensors")
    assert all(bool(torch.isfinite(tensor).all()) for tensor in weights.values())
    again = ask(folder, capsys, "train", str(exported), "--out", str(tmp_path / "again"))
    assert again["measures"] == done["measures"]
    finals = [one for one in mlflow_runs(folder / "runs") if one.data.tags.get("uncollapse.kind") == "final"]
    assert finals[0].data.metrics["test/nll_iw"] == done["measures"]["test/nll_iw"]


def test_the_final_training_repeats_a_confirmation_run_to_the_bit(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exported = folder / "runs" / "faulty" / "best" / "vmf.yaml"
    configuration = yaml.safe_load(exported.read_text())["from"]["configuration"]
    confirmed = next(
        record
        for record in left(folder / "runs")
        if record.stage == REPLICATE and record.seed == 1 and record.configuration_id == configuration
    )
    done = ask(folder, capsys, "train", str(exported), "--seed", "1", "--out", str(tmp_path / "final"))
    assert {name: done["measures"][name] for name in confirmed.final} == dict(confirmed.final)


def test_an_edited_file_is_refused_until_it_is_owned(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = yaml.safe_load((folder / "runs" / "faulty" / "best" / "vmf.yaml").read_text())
    content["train"]["epochs"] = 1
    edited = tmp_path / "vmf.yaml"
    edited.write_text(yaml.safe_dump(content))
    assert main(["train", str(edited), "--runs", str(folder / "runs")]) == 2
    assert "was edited since" in capsys.readouterr().err
    content["model"]["latent"]["kappa"] = -1
    edited.write_text(yaml.safe_dump(content))
    assert main(["train", str(edited), "--edited", "--runs", str(folder / "runs")]) == 2
    assert "kappa" in capsys.readouterr().err


def test_running_again_trains_nothing_and_a_changed_page_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {record.key: record for record in left(folder / "runs")}
    changed = yaml.safe_load((folder / "faulty.yaml").read_text())
    changed["train"]["epochs"] = 9
    other = folder / "changed.yaml"
    other.write_text(yaml.safe_dump(changed))
    assert main(["run", str(other), "--runs", str(folder / "runs")]) == 2
    assert "`train.epochs` was 4 and is now 9" in capsys.readouterr().err
    said = run(folder / "faulty.yaml", folder / "runs").stdout
    assert "nothing is left to train" in said
    assert "starting Ray" not in said
    assert {record.key: record for record in left(folder / "runs")} == before


def test_what_looks_at_a_finished_study_reads_its_ledger_once(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = (folder / "runs" / "faulty" / "ledger.journal").read_bytes().count(b"\n")
    read: list[dict[str, Any]] = []
    real = Journal.read_logs

    def counted(self: Journal, log_number_from: int) -> Iterator[dict[str, Any]]:
        for entry in real(self, log_number_from):
            read.append(entry)
            yield entry

    monkeypatch.setattr(Journal, "read_logs", counted)
    for words in (["report", "faulty"], ["export", "faulty"], ["run", str(folder / "faulty.yaml")]):
        read.clear()
        ask(folder, capsys, *words)
        assert len(read) == lines, words
