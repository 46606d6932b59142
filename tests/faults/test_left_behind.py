"""What a study leaves beside its results: nothing of Tune's and nothing of Ray's, also after a kill."""

import shutil
from pathlib import Path

import pytest

from tests.support.running_studies import epochs, kill, page, run, running, wait_until
from uncollapse.study.execution.own_ray import PREFIX

pytestmark = pytest.mark.slow
SMALL = {
    "families": ["lstm_lm"],
    "search": {"trials": 1, "sampler": "random", "stop_early": "none", "subject_to": "none"},
    "replicate": {"configurations": 1, "seeds": 1, "also": []},
    "train": {"epochs": 30, "batch_size": 16},
    "override": {"inputs": {"size": 24}, "decoder": {"hidden": 24}},
}


def test_a_kill_leaves_nothing_beyond_the_next_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Path("/tmp") / f"uc_{tmp_path.parent.name[-6:]}"  # of Ray's folder; its sockets need a short path
    monkeypatch.setenv("TMPDIR", str(place))
    place.mkdir()
    study, runs = page(tmp_path, **SMALL), tmp_path / "runs"
    with running(study, runs, tmp_path / "log") as process:
        wait_until(lambda: epochs(runs, "search") >= 2, "two epochs", process)
        assert len(list(place.glob(f"{PREFIX}*"))) == 1, "what is to be cleaned is there"
        kill(process)
    scratch = runs / "faulty" / "tune"
    assert scratch.exists()
    run(study, runs)
    assert not scratch.exists()
    wait_until(lambda: list(place.glob(f"{PREFIX}*")) == [], "Ray's folders to be gone")
    shutil.rmtree(place)
