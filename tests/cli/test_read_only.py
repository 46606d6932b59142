"""A study that can only be read: what reads it answers, what writes into it says why it cannot, and waits end."""

from pathlib import Path

import pytest

from tests.support import trial_records
from tests.support.full_disk import read_only
from uncollapse.cli import stop
from uncollapse.cli.main import main
from uncollapse.study.storage.ledger import Ledger
from uncollapse.study.storage.locks import owned
from uncollapse.study.storage.workspace import Workspace

SENTENCES = {"corpus": {"name": "cafes", "digest": "0" * 16, "facts": {"splits": {"valid": {"sentences": 100}}}}}


def made(folder: Path) -> Workspace:
    """A study that has ended, as far as commands read it."""
    study = trial_records.study(folder, search={"trials": 2, "stop_early": "none"}, replicate={"seeds": 2})
    workspace = Workspace(folder / "runs", "mine")
    workspace.folder.mkdir(parents=True)
    facts = {"study": "mine", "page": "my.yaml", "created": "2026-01-01T00:00:00+00:00", "packages": {}, "code": ""}
    workspace.write_facts({**facts, **SENTENCES, "settings": study.settings(), "folder": str(folder)})
    recorder = trial_records.Recorder(Ledger(workspace.folder, "mine", write=True), "valid/nll_iw")
    trial_records.run(trial_records.SearchStage(study, "corpus", recorder))
    return workspace


def ask(workspace: Workspace, *words: str) -> int:
    return main([*words, "--runs", str(workspace.runs)])


def test_what_reads_answers_and_what_writes_says_why_it_cannot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = made(tmp_path)
    with read_only(here.runs, tmp_path / "mount") as mount:
        workspace = Workspace(mount, "mine")
        with owned(here.folder):
            assert ask(workspace, "status", "mine", "--json") == 0
            assert '"running": true' in capsys.readouterr().out
            assert ask(workspace, "stop", "mine") == 1
            assert f"disk: it is read-only ({workspace.control})" in capsys.readouterr().err
        assert ask(workspace, "report", "mine") == 0
        captured = capsys.readouterr()
        assert "report   not written" in captured.out
        assert f"its page is not written, since {workspace.folder} can only be read" in captured.err
        assert ask(workspace, "export", "mine", "--force") in (1, 2)
        assert "Traceback" not in capsys.readouterr().err


def test_what_a_user_may_not_write_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = made(tmp_path)

    def refused(path: Path, text: str) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(stop, "write_whole", refused)
    with owned(workspace.folder):
        assert ask(workspace, "stop", "mine") == 2
    assert capsys.readouterr().err.startswith(f"uncollapse: {workspace.control}: this user may not read or write it")


def test_a_study_that_does_not_leave_is_not_waited_for_for_ever(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = made(tmp_path)
    monkeypatch.setattr(stop, "GRACE", 0.2)
    with owned(workspace.folder):
        assert ask(workspace, "stop", "mine", "--now") == 1
    assert "mine: process " in (said := capsys.readouterr().err)
    assert "has not left within 0 s" in said
