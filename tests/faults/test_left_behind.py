"""What a study leaves beside its results: nothing of Tune's and nothing of Ray's, also after a kill."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.running_studies import epochs, kill, page, run, running, wait_until
from uncollapse.study.execution.ray_session import MARK

pytestmark = pytest.mark.slow
SMALL = {
    "families": ["seqvae"],
    "search": {"trials": 1, "sampler": "random", "stop_early": "none", "subject_to": "none"},
    "replicate": {"configurations": 1, "seeds": 1, "also": []},
    "train": {"epochs": 30, "batch_size": 16},
}


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Of Ray's folder; its sockets need a short path."""
    with tempfile.TemporaryDirectory(prefix="uc_") as folder:
        monkeypatch.setenv("RAY_TMPDIR", folder)
        yield Path(folder)


def test_a_kill_leaves_nothing_beyond_the_next_start(tmp_path: Path, place: Path) -> None:
    study, runs = page(tmp_path, **SMALL), tmp_path / "runs"
    with running(study, runs, tmp_path / "log") as process:
        wait_until(lambda: epochs(runs, "search") >= 2, "two epochs", process)
        kill(process)
    scratch = runs / "faulty" / "tune"
    left = list(place.rglob(MARK))
    assert scratch.exists()
    assert len(left) == 1, "what is to be cleaned is there"
    run(study, runs)
    assert not scratch.exists()
    assert list(place.rglob(MARK)) == []
    assert [path for path in place.rglob("session_*") if path.is_dir() and not path.is_symlink()] == []
