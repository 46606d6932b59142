"""The process that runs a study keeps the snapshot while its ledger grows, and at its end."""

import time
from pathlib import Path

import pytest

from tests.support import trial_records
from uncollapse.study.storage.digest import digest, snapshot, upkeep
from uncollapse.study.storage.digest.upkeep import Upkeep


def lines(ledger: Path) -> int:
    """How many the snapshot covers."""
    found = snapshot.read(ledger, "mine")
    return 0 if found is None else found[0].lines


def test_it_is_kept_while_the_study_runs_and_at_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest, "LEAST", 1)
    monkeypatch.setattr(upkeep, "SECONDS", 0.05)
    study, ledger = trial_records.study(tmp_path), tmp_path / "runs" / "ledger.journal"
    with Upkeep(ledger, "mine"):
        stage = trial_records.search(study, tmp_path)
        trial_records.run(stage, trials=1)
        deadline = time.monotonic() + 60
        while lines(ledger) == 0:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        monkeypatch.setattr(upkeep, "SECONDS", 1e6)
        time.sleep(0.2)
        trial_records.run(stage, trials=1)
    assert lines(ledger) == ledger.read_bytes().count(b"\n")


def test_a_study_without_a_ledger_or_with_a_strange_one_is_not_disturbed(tmp_path: Path) -> None:
    for content in (None, b"{}\n", b"\xff\n" * 3):
        path = tmp_path / "ledger.journal"
        if content is not None:
            path.write_bytes(content)
        with Upkeep(path, "mine") as thread:
            pass
        assert not thread.is_alive()
    assert [path.name for path in tmp_path.iterdir()] == ["ledger.journal"]


def test_it_takes_a_bounded_share_of_the_processor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    thread = Upkeep(tmp_path / "ledger.journal", "mine")
    waited: list[float] = []
    monkeypatch.setattr(thread.over, "wait", waited.append)
    began = time.thread_time()
    while time.thread_time() - began < 0.02:
        pass
    thread.rest(1, 2)
    assert waited[0] >= upkeep.REST * 0.02
