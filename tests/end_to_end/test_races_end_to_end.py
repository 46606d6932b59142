"""A race of real trainings, through Ray and MLflow."""

import json
from functools import partial
from pathlib import Path

import pytest

from tests.support import running_studies
from tests.support.models import write
from tests.support.places import ROOT
from uncollapse.analysis.schema import DROPPED, FINISHED, REPLICATE
from uncollapse.cli.main import main

pytestmark = pytest.mark.slow


def raced(folder: Path) -> Path:
    """A study in which one of two learning rates never learns."""
    page = ROOT / "search_spaces" / "lstm_lm.yaml"
    text = page.read_text(encoding="utf-8").split("search:")[0]
    write(folder / "learning.yaml", text + "search: {optimizer: {lr: {choice: [0.000001, 1.0]}}}\n")
    return running_studies.page(
        folder,
        families=["learning.yaml"],
        corpus={"name": "cafes", "sentences": 300},
        search={"trials": 8, "sampler": "random", "stop_early": "none"},
        replicate={"configurations": 2, "seeds": 7, "racing": "signs"},
        train={"epochs": 1, "batch_size": 16},
        override={"inputs": {"size": 24}, "decoder": {"hidden": 24}},
    )


def test_seeds_are_saved_and_ledger_mlflow_report_and_export_agree(tmp_path: Path) -> None:
    done = json.loads(running_studies.run(raced(tmp_path), tmp_path / "runs", "--json").stdout)
    found = [record for record in running_studies.left(tmp_path / "runs") if record.stage == REPLICATE]
    by_rate = {rate: [r for r in found if r.configuration["optimizer"]["lr"] == rate] for rate in (0.000001, 1.0)}
    assert [record.state for record in by_rate[1.0]] == [FINISHED] * 7
    lost = sorted(by_rate[0.000001], key=lambda record: record.seed)
    assert [record.state for record in lost] == [FINISHED] * 5 + [DROPPED] * 2
    cause = f"dropped after 5 seeds: {by_rate[1.0][0].configuration_id} was better on 5 of 5, e-value 21"
    assert {record.cause for record in lost[5:]} == {cause}
    assert main(["verify", "faulty", "--runs", str(tmp_path / "runs")]) == 0
    configurations = json.loads((tmp_path / "runs/faulty/report/summary.json").read_text())["configurations"]
    assert [(row["finished"], row["race"]) for row in configurations] == [(7, ""), (5, cause)]
    assert cause in (tmp_path / "runs/faulty/report/index.html").read_text(encoding="utf-8")
    assert len(done["best"]) == 1
    assert by_rate[1.0][0].configuration_id in Path(done["best"][0]).read_text(encoding="utf-8")


def has_ended(runs: Path, confirmed: int) -> bool:
    return running_studies.ended(runs, REPLICATE) >= confirmed


def test_a_killed_race_ends_as_the_undisturbed_one(tmp_path: Path) -> None:
    page, whole, cut = raced(tmp_path), tmp_path / "whole", tmp_path / "cut"
    running_studies.run(page, whole)
    for confirmed in (3, 9):
        with running_studies.running(page, cut, tmp_path / "log") as process:
            running_studies.wait_until(partial(has_ended, cut, confirmed), "runs to end", process)
            running_studies.kill(process)
    running_studies.run(page, cut)
    assert running_studies.figures(running_studies.left(cut)) == running_studies.figures(running_studies.left(whole))
    assert [(one.state, one.cause) for one in running_studies.left(cut)] == [
        (o.state, o.cause) for o in running_studies.left(whole)
    ]
