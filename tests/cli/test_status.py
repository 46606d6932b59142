"""What `status` says is planned, done and left, at once and while it watches."""

import json
import os
import pty
import re
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from threading import Thread

import pytest

from tests.support import trial_records
from uncollapse.cli.main import main
from uncollapse.study.config.study_page import Study
from uncollapse.study.execution.view.planned import planned_now
from uncollapse.study.stages.search import DOUBLES, SearchStage
from uncollapse.study.storage.ledger import Ledger
from uncollapse.study.storage.locks import owned
from uncollapse.study.storage.tables import recorded
from uncollapse.study.storage.workspace import Workspace


def told(stage: SearchStage) -> None:
    """Every trial of `one` finishes and every trial of `two` fails."""
    while (record := stage.next_trial()) is not None:
        if record.family == "one":
            trial_records.train(stage, record)
        else:
            stage.recorder.fail(record.key, "told to")


def test_a_family_that_the_search_left_nothing_to_confirm_of_has_nothing_planned(tmp_path: Path) -> None:
    study = trial_records.study(tmp_path, search={"stop_early": "none"})

    def planned() -> dict[str, dict[str, int]]:
        return planned_now(study.settings(), recorded(Ledger(tmp_path / "runs", "mine")))

    by_the_page = {"search": {"one": 6, "two": 6}, "replicate": {"one": 6, "two": 6}}
    assert planned() == by_the_page
    told(trial_records.search(study, tmp_path))
    assert planned() == by_the_page  # what is to be confirmed is not chosen yet
    trial_records.replicate(study, tmp_path)
    assert planned() == {**by_the_page, "replicate": {"one": 6, "two": 0}}


def test_a_search_that_a_budget_ended_planned_what_it_tried(tmp_path: Path) -> None:
    study = trial_records.study(tmp_path, search={"stop_early": "none"})
    trial_records.run(trial_records.search(study, tmp_path), trials=4)
    searching = recorded(Ledger(tmp_path / "runs", "mine"))
    assert planned_now(study.settings(), searching, timed=True)["search"] == {"one": 6, "two": 6}
    assert planned_now(study.settings() | {"search": {"trials": 1}}, searching, timed=True)["search"] == {
        "one": 2,
        "two": 2,
    }
    trial_records.replicate(study, tmp_path)
    found = recorded(Ledger(tmp_path / "runs", "mine"))
    assert planned_now(study.settings(), found, timed=True) == {
        "search": {"one": 2, "two": 2},
        "replicate": {"one": 6, "two": 6},
    }
    assert planned_now(study.settings(), found)["search"] == {"one": 6, "two": 6}


def test_a_seed_that_failed_and_is_tried_again_is_planned_once(tmp_path: Path) -> None:
    study = trial_records.study(tmp_path, search={"stop_early": "none"})
    trial_records.run(trial_records.search(study, tmp_path))
    stage = trial_records.replicate(study, tmp_path)
    stage.recorder.fail(stage.next_trial().key, "told to")
    trial_records.replicate(study, tmp_path)
    assert planned_now(study.settings(), recorded(Ledger(tmp_path / "runs", "mine")))["replicate"] == {
        "one": 6,
        "two": 6,
    }


def test_a_search_that_finds_nothing_new_is_planned_as_far_as_it_came(tmp_path: Path) -> None:
    space = "\nsearch:\n  latent: {size: {choice: [2, 3]}}\n"
    study = trial_records.study(tmp_path, space, search={"stop_early": "none"})
    stage = trial_records.search(study, tmp_path)
    trained = trial_records.run(stage)
    found = recorded(Ledger(tmp_path / "runs", "mine"))
    assert len(found) >= len(trained) + 2 * DOUBLES, "proposals that were trained before are dropped"
    assert planned_now(study.settings(), found)["search"] == stage.planned()
    assert sum(stage.planned().values()) == len(trained) < 12


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """A study of which four trials have ended, of two families, and one of `one` runs in its fifth epoch."""
    made = trial_records.study(tmp_path, search={"stop_early": "none", "subject_to": "none"})
    workspace = Workspace(tmp_path / "runs", "mine")
    workspace.folder.mkdir(parents=True)
    workspace.write_facts(
        {"study": "mine", "settings": made.settings(), "corpus": {}, "code": "", "slots": 2, "folder": str(tmp_path)}
    )
    return made


def searched(study: Study, folder: Path) -> SearchStage:
    """The stage on its way, in the study's own folder under `runs`."""
    recorder = trial_records.Recorder(Ledger(folder / "runs" / "mine", "mine", write=True), "valid/nll_iw")
    return SearchStage(study, "corpus", recorder)


def begun(stage: SearchStage) -> None:
    trial_records.run(stage, trials=4)
    record = stage.next_trial()
    assert record is not None
    trial_records.train(stage, record, until=4)


def ask(folder: Path, capsys: pytest.CaptureFixture[str], *more: str) -> str:
    capsys.readouterr()
    assert main(["status", "mine", "--runs", str(folder / "runs"), *more]) == 0
    return capsys.readouterr().out


def test_the_figures_of_a_study_from_its_ledger(
    study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = searched(study, tmp_path)
    begun(stage)
    found = json.loads(ask(tmp_path, capsys, "--json"))
    assert (found["running"], found["stage"], found["left_is_about"]) == (False, "search", True)
    (trial,) = found["running_trials"]
    assert (trial["stage"], trial["family"], trial["epoch"], trial["epochs"]) == ("search", "one", 5, 9)
    one, two = (row for row in found["rows"] if row["stage"] == "search")
    counts = ("planned", "ended", "running", "finished", "missing")
    assert [one[name] for name in counts] == [6, 2, 1, 2, 3]
    assert [two[name] for name in counts] == [6, 2, 0, 2, 4]
    values = {record.number: record.measures["subset/nll_iw"] for record in records(tmp_path, "two")}
    assert two["best"] == {"value": min(values.values()), "measure": "nll_iw", "direction": "minimize"}
    # a second an epoch and half a second to hand out, on two places; of the fifth epoch up to a whole one has gone by
    assert (7 * 9.5 + 4) / 2 <= found["stage_left_seconds"] <= (7 * 9.5 + 5) / 2
    assert found["left_seconds"] - found["stage_left_seconds"] == pytest.approx(12 * 10.5 / 2)
    assert 0 < found["ran_seconds"] < 60
    assert "to go on: one 1 (epoch 5 of 9)" in ask(tmp_path, capsys)


def records(folder: Path, family: str) -> list[trial_records.TrialRecord]:
    return [one for one in recorded(Ledger(folder / "runs" / "mine", "mine")) if one.family == family]


class Reader:
    """What a process prints, while it prints it."""

    def __init__(self, file: int) -> None:
        self.file, self.said = file, ""
        self.thread = Thread(target=self._read)
        self.thread.start()

    def _read(self) -> None:
        with suppress(OSError):  # a terminal that everyone has left
            while chunk := os.read(self.file, 65536):
                self.said += chunk.decode()

    def wait_for(self, pattern: str) -> None:
        deadline = time.monotonic() + 120
        while not re.search(pattern, self.said):
            assert time.monotonic() < deadline, self.said
            time.sleep(0.05)


def watched(study: Study, folder: Path, ours: int, theirs: int, four: str, six: str) -> str:
    """What it prints while two more trials end under its eyes, and the study after them."""
    command = [sys.executable, "-P", "-m", "uncollapse", "status", "mine", "--watch", "--runs", str(folder / "runs")]
    environment = {**os.environ, "COLUMNS": "40", "LINES": "30", "TERM": "xterm"}
    with owned(folder / "runs" / "mine"):
        stage = searched(study, folder)
        begun(stage)
        process = subprocess.Popen(command, stdout=theirs, stderr=theirs, env=environment)
        os.close(theirs)
        reader = Reader(ours)
        reader.wait_for(four)
        trial_records.run(stage, trials=2)
        reader.wait_for(six)
    assert process.wait(timeout=120) == 0
    reader.thread.join()
    os.close(ours)
    return reader.said


def test_watching_through_a_pipe_prints_a_line_when_trials_end(study: Study, tmp_path: Path) -> None:
    *lines, last = watched(study, tmp_path, *os.pipe(), "4 of 12", "6 of 12").split("\nmine: not running")
    first, second = lines[0].splitlines()
    assert first.startswith("search: 4 of 12 trials ended, 1 running, 0 of 0 alive, left ")
    assert second.startswith("search: 6 of 12 trials ended, 1 running")
    assert ", in all about " in second
    assert "to go on: one 1 (epoch 5 of 9)" in last


def test_watching_on_a_terminal_draws_in_place_in_the_columns_that_there_are(study: Study, tmp_path: Path) -> None:
    said = watched(study, tmp_path, *pty.openpty(), r"one +2/6", r"two +3/6")
    before, after = said.split("\x1b[1A", 1)  # the cursor goes up to draw over what was drawn
    assert re.search(r"one +2/6", before)
    assert re.search(r"two +3/6", after)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said)
    assert max(len(line) for line in re.split(r"[\r\n]+", plain)) <= 40
