"""`transfer`, on made tasks and on the real STS."""

import json
import math
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from tests.support import models, task_files
from tests.support.exported_files import CORPUS, exported
from tests.support.task_files import STS, needs_texts
from uncollapse.cli import transfer as command
from uncollapse.cli.main import main
from uncollapse.study.corpora.prepare import prepare
from uncollapse.study.errors import UserError
from uncollapse.study.results import final_training
from uncollapse.study.transfer import run, tasks

TRAINED = ("vat", "maxpool", "lstm_lm", "nvrnn_labelled")


@pytest.fixture(scope="module")
def best(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of exported files, each trained for an epoch; `corpora` lies beside it."""
    runs = tmp_path_factory.mktemp("runs")
    corpus = prepare(CORPUS, runs / "corpora", runs)
    for name in TRAINED:
        content = exported(name, corpus)
        models.write(runs / "best" / f"{name}.yaml", yaml.safe_dump(content, sort_keys=False))
        final_training.train(content, runs / "corpora", runs / "best" / name, lambda sentence: None)
    return runs / "best"


def asked(best: Path, name: str, folder: Path, *given: str) -> Namespace:
    parser = ArgumentParser()
    command.options(parser)
    words = [
        str(best / f"{name}.yaml"),
        "--tasks",
        str(folder),
        "--seeds",
        "2",
        "--folds",
        "3",
        "--epochs",
        "1",
        *given,
    ]
    return parser.parse_args(words, Namespace(runs=best.parent, json=False))


def found(best: Path, name: str, folder: Path, out: Path, *given: str) -> tuple[dict[str, Any], str]:
    data, text = command.transfer(asked(best, name, folder, "--out", str(out), *given))
    assert text is not None
    assert json.loads(json.dumps(data)) == data
    return data, text


def refused(best: Path, name: str, folder: Path, *given: str) -> str:
    with pytest.raises(UserError) as error:
        command.transfer(asked(best, name, folder, *given))
    return str(error.value)


def test_every_kind_of_task_frozen_and_fine_tuned(best: Path, tmp_path: Path) -> None:
    folder = task_files.every(tmp_path / "tasks")
    data, text = found(
        best, "vat", folder, tmp_path / "out", "--how", "frozen", "--how", "fine-tuned", "--vectors", "mean"
    )
    kept = json.loads((tmp_path / "out" / "transfer.json").read_text())
    assert kept["summary"] == data["summary"]
    assert {row["task"] for row in data["summary"]} == set(tasks.find(folder))
    for row in data["summary"]:
        assert row["seeds"] or row["causes"]
        if "accuracy" in row:
            assert row["accuracy_low"] <= row["accuracy"] <= row["accuracy_high"]
            assert row["lowest"] <= row["accuracy"] <= row["highest"]
        assert row["task"] in text
    assert not any("dev_accuracy" in row for row in data["summary"] if row["task"] in ("MR", "TREC", "MRPC"))
    assert all("dev_accuracy" in row for row in data["summary"] if row["task"] in ("SST2", "SST5", "SICK-E"))
    assert all("f1" in row for row in data["summary"] if row["task"] == "MRPC")


def test_a_task_is_asked_in_every_way_that_suits_it(best: Path, tmp_path: Path) -> None:
    data, _ = found(
        best,
        "maxpool",
        task_files.paraphrases(tmp_path / "tasks"),
        tmp_path / "out",
        "--how",
        "frozen",
        "--how",
        "fine-tuned",
    )
    ways = [(row["how"], row["encoder"], row["vectors"], row["pairs"]) for row in data["summary"]]
    assert ways == [
        ("frozen", "trained", "code", "apart"),
        ("frozen", "trained", "code", "joined"),
        ("frozen", "untrained", "code", "apart"),
        ("frozen", "untrained", "code", "joined"),
        ("frozen", "words", "words", "apart"),
        ("fine-tuned", "trained", "code", "joined"),
        ("fine-tuned", "untrained", "code", "joined"),
    ]


def test_words_that_decide_a_task_are_found_in_mean_vectors(best: Path, tmp_path: Path) -> None:
    """Sentences of the two classes share few words, so that any mean of embeddings tells them apart."""
    data, _ = found(best, "vat", task_files.polarity(tmp_path / "tasks", 60), tmp_path / "out", "--vectors", "mean")
    by_encoder = {row["encoder"]: row for row in data["summary"]}
    assert by_encoder["words"]["accuracy"] > 0.9
    assert by_encoder["trained"]["accuracy_low"] > 0.5  # a small encoder after an epoch blurs them
    assert data["summary"][0]["count"] == 120  # the folds ask about every sentence once
    assert data["summary"][0]["majority"] == 0.5


def test_a_run_that_was_cut_off_goes_on(best: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, out = task_files.questions(tmp_path / "tasks"), tmp_path / "out"
    whole, _ = found(best, "maxpool", folder, out)
    rows = (out / "rows.jsonl").read_text().splitlines()
    (out / "rows.jsonl").write_text("\n".join(rows[:2]) + "\n" + rows[2][:20])
    measured = []
    real = run.measure
    monkeypatch.setattr(run, "measure", lambda trial, bench: measured.append(trial) or real(trial, bench))
    again, _ = found(best, "maxpool", folder, out)
    assert again["summary"] == whole["summary"]
    assert len(measured) == len(rows) - 2


def test_other_texts_are_measured_anew(best: Path, tmp_path: Path) -> None:
    folder, out = task_files.questions(tmp_path / "tasks"), tmp_path / "out"
    found(best, "maxpool", folder, out)
    before = len((out / "rows.jsonl").read_text().splitlines())
    models.write(folder / "TREC" / "TREC_10.label", "NUM:count How many ?\n")
    found(best, "maxpool", folder, out)
    assert len((out / "rows.jsonl").read_text().splitlines()) == 2 * before


def test_a_dead_code_has_no_correlation_and_the_rest_goes_on(
    best: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(run.measure.__globals__["vectors"].__globals__["VECTORS"], "code", dead)
    data, text = found(best, "maxpool", task_files.similarity(tmp_path / "tasks"), tmp_path / "out")
    first = data["summary"][0]
    assert first["seeds"] == 0
    assert "all of one side are equal" in first["causes"][0]
    assert "all of one side are equal" in text
    assert data["summary"][-1]["encoder"] == "words"
    assert math.isfinite(data["summary"][-1]["all"])


def dead(model: Any, batch: Any) -> torch.Tensor:
    return torch.ones(len(batch.tokens), 3)


def test_what_is_unknown_or_cut_is_said(best: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tasks"
    task_files.polarity(folder, 5)
    models.write(folder / "MR" / "rt-polarity.pos", "xyzzy plugh\nxyzzy\nthe cafe\n")
    data, text = found(best, "maxpool", folder, tmp_path / "out", "--longest", "3", "--no-baselines")
    facts = data["tasks"]["MR"]
    assert facts["cut"] == 5
    assert facts["whole"] == 8
    assert 0 < facts["unknown_share"] < 1
    assert f"{facts['unknown_share']:.1%}" in text


@needs_texts
def test_the_real_similarity_tasks_by_words(best: Path, tmp_path: Path) -> None:
    """An encoder of an epoch on cafes knows next to none of their words, and says so; its figures are low, and bounded."""
    data, _ = found(best, "vat", STS, tmp_path / "out", "--task", "STS12", "--vectors", "mean", "--no-baselines")
    row = data["summary"][0]
    assert row["count"] == 3108
    assert -100 <= row["all_low"] <= row["all"] <= row["all_high"] <= 100
    assert sum(name.startswith("subset/") for name in row) == 5
    assert data["tasks"]["STS12"]["unknown_share"] > 0.3


def test_models_and_options_that_do_not_fit_are_refused(best: Path, tmp_path: Path) -> None:
    folder = task_files.questions(tmp_path)
    assert "has no encoder" in refused(best, "lstm_lm", folder)
    assert "told the class" in refused(best, "nvrnn_labelled", folder)
    assert "did you mean 'code'" in refused(best, "maxpool", folder, "--vectors", "cod")
    assert "code" in refused(best, "vat", folder, "--vectors", "code")
    wrong = refused(best, "vat", folder, "--seeds", "0", "--rate", "-1", "--folds", "1")
    assert [error.split(":")[0] for error in wrong.splitlines()] == ["--seeds", "--folds", "--rate"]


def test_the_command_line(best: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = task_files.questions(tmp_path / "tasks")
    given = ["transfer", str(best / "maxpool.yaml"), "--tasks", str(folder), "--runs", str(best.parent), "--seeds", "1"]
    assert main(given) == 0
    said = capsys.readouterr().out
    assert "[1/3] TREC frozen trained code seed 0: accuracy" in said
    assert "words unknown to the model" in said
    assert (best / "maxpool" / "transfer" / "transfer.txt").exists()
    assert main([*given, "--task", "MR"]) == 2
    assert "--task MR: no folder MR" in capsys.readouterr().err
