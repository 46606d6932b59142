"""What `status` says is done and left, at once and while it watches."""

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
from typing import Any

import pytest

from tests.support import trial_records
from uncollapse.cli import status
from uncollapse.cli.main import main
from uncollapse.study.config.study_page import Study
from uncollapse.study.stages.search import SearchStage
from uncollapse.study.storage.digest import digest, snapshot
from uncollapse.study.storage.ledger import Ledger
from uncollapse.study.storage.locks import owned
from uncollapse.study.storage.tables import recorded
from uncollapse.study.storage.workspace import Workspace


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
    assert [one[name] for name in counts] == [6, 2, 0, 2, 3], "no process runs it"
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


def figures(folder: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """All but the time left, which the clock changes."""
    found = json.loads(ask(folder, capsys, "--json"))
    return {name: value for name, value in found.items() if not name.endswith("left_seconds")}


def test_what_it_says_hangs_on_no_snapshot(
    study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digest, "LEAST", 1)
    begun(searched(study, tmp_path))
    kept = tmp_path / "runs" / "mine" / snapshot.NAME
    assert not kept.exists()
    said = figures(tmp_path, capsys)
    whole = kept.read_bytes()
    assert figures(tmp_path, capsys) == said
    for content in (b"", whole[:-100], whole[: len(whole) // 2] + b"\0" * 99 + whole[len(whole) // 2 + 99 :]):
        kept.write_bytes(content)
        assert figures(tmp_path, capsys) == said
        assert snapshot.read(kept.with_name("ledger.journal"), "mine") is not None, "it was made anew"
    monkeypatch.setattr(snapshot, "RULES", ["another version"])
    assert snapshot.read(kept.with_name("ledger.journal"), "mine") is None
    assert figures(tmp_path, capsys) == said


def test_a_long_reading_says_how_far_it_is(
    study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(searched(study, tmp_path))
    monkeypatch.setattr(digest, "LINES", 10)
    monkeypatch.setattr(status, "SILENT", 0.0)
    assert main(["status", "mine", "--runs", str(tmp_path / "runs"), "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["rows"]
    (line,) = said.err.splitlines()
    assert re.fullmatch(r"uncollapse: reading the ledger, \d+% of 0 MB; later looks read what is new", line)
