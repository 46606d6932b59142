"""A study in which every trial failed: the sentence, the exit code, and that nobody starts it again."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import trial_records
from uncollapse.analysis.schema import DIVERGED, FAILED, FINISHED, STOPPED
from uncollapse.cli.main import main
from uncollapse.study.execution import driver
from uncollapse.study.execution.conclude import every_trial_failed
from uncollapse.study.execution.notification import News
from uncollapse.study.execution.supervisor import IN_VAIN, Supervisor
from uncollapse.study.storage.ledger import Ledger
from uncollapse.study.storage.tables import recorded
from uncollapse.study.storage.workspace import Workspace
from uncollapse.study.trial_record import TrialRecord

PAGE = {"study": "vain", "corpus": {"name": "cafes", "sentences": 300}, "families": ["vmf"]}


def told(folder: Path, *states: str) -> list[TrialRecord]:
    """A search whose trials end so, one after another."""
    stage = trial_records.search(trial_records.study(folder, names=("one",), search={"trials": len(states)}), folder)
    end: dict[str, Any] = {
        FAILED: lambda key: stage.recorder.fail(key, "no memory"),
        DIVERGED: lambda key: stage.recorder.diverge(key, "the loss became nan"),
        STOPPED: stage.recorder.stop,
    }
    for state in states:
        record = stage.next_trial()
        assert record is not None
        if state == FINISHED:
            trial_records.train(stage, record)
        else:
            end[state](record.key)
    return recorded(Ledger(folder / "runs", "mine"))


def test_a_study_of_which_every_trial_failed_says_so_and_why(tmp_path: Path) -> None:
    said = every_trial_failed(told(tmp_path, FAILED, FAILED, FAILED))
    assert "every one of the 3 trials failed" in said
    assert "no memory" in said


@pytest.mark.parametrize("states", [(FAILED, DIVERGED), (FAILED, STOPPED), (FINISHED, FAILED), (DIVERGED,)])
def test_a_study_that_found_anything_has_not_failed(tmp_path: Path, states: tuple[str, ...]) -> None:
    assert every_trial_failed(told(tmp_path, *states)) == ""


def test_a_study_without_trials_has_not_failed() -> None:
    assert every_trial_failed([]) == ""


@pytest.mark.parametrize(("failed", "supervised", "code"), [("all", False, 1), ("all", True, IN_VAIN), ("", False, 0)])
def test_the_exit_code_tells_and_the_report_is_named(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    failed: str,
    supervised: bool,
    code: int,
) -> None:
    done = {"table": "", "report": "index.html", "best": [], "not_exported": {}, "unsent": 0, "took": "1 s"}
    done |= {"set_aside": [], "tracking": ""}
    monkeypatch.setattr(driver, "run", lambda *given: {**done, "failed": failed})
    monkeypatch.setenv("UNCOLLAPSE_SUPERVISOR", str(os.getppid()) if supervised else "")
    page = tmp_path / "vain.yaml"
    page.write_text(yaml.safe_dump(PAGE))
    assert main(["run", str(page), "--runs", str(tmp_path / "runs")]) == code
    said = capsys.readouterr().out
    assert "report   index.html" in said
    assert ("failed   all" in said) == bool(failed)


@pytest.mark.parametrize(("ends", "code"), [(IN_VAIN, 1), (2, 2), (0, 0)])
def test_a_driver_that_would_fail_again_is_not_started_again(tmp_path: Path, ends: int, code: int) -> None:
    said: list[str] = []
    lives = tmp_path / "lives"
    command = [sys.executable, "-c", f"open({str(lives)!r}, 'a').write('x'); raise SystemExit({ends})"]
    supervisor = Supervisor(command, Workspace(tmp_path, "vain"), News("vain", None, said.append), said.append)
    assert supervisor.run() == code
    assert lives.read_text() == "x"
    assert said == []
