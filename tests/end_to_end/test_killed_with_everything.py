"""Everything that chooses, at once: killed studies end as undisturbed ones do.

On one slot, since proposals and verdicts depend on what has ended when they are made.
"""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support import running_studies
from uncollapse.analysis.schema import FINISHED, REPLICATE, SEARCH
from uncollapse.cli.main import main

pytestmark = pytest.mark.slow
ONE_SLOT = ("--cpus", "1")
SEARCHES: dict[str, dict[str, Any]] = {
    "a race after early stopping": {
        "search": {"trials": 6, "stop_early": "asha", "audit": 0.3},
        "replicate": {"configurations": 2, "seeds": 6, "racing": "signs", "also": ["base"]},
    },
    "several objectives": {
        "search": {"trials": 6, "select": ["nll_iw", "mi"]},
        "replicate": {"configurations": 2, "seeds": 2, "also": ["base"]},
        "export": {"collapse_limit": 1.0},  # two seeds allow no other limit
    },
}


def page(folder: Path, name: str, **sections: Any) -> Path:
    """A study of codes that are used, whose trainings end when they should; the built-in pages' searches."""
    return running_studies.page(
        folder,
        study=name,
        corpus={"name": "cafes", "sentences": 120, "signal": "strong"},
        families=["seqvae"],
        train={"epochs": 10, "patience": 1, "keep": "best", "batch_size": 8},
        evaluate={"subset_sentences": 40, "subset_samples": 4, "full_samples": 8, "probes": []},
        **sections,
    )


def earlier(folder: Path, runs: Path) -> None:
    """A study to learn from."""
    searched = {"search": {"trials": 3}, "replicate": {"configurations": 1, "seeds": 2, "further": 0, "also": []}}
    running_studies.run(page(folder, "earlier", **searched, export={"collapse_limit": 1.0}), runs, *ONE_SLOT)


def has_trained(runs: Path, stage: str, epochs: int) -> bool:
    found = running_studies.left(runs, "later")
    return sum(len(record.epochs) for record in found if record.stage == stage) >= epochs


@pytest.mark.parametrize("chosen", SEARCHES)
def test_a_killed_study_ends_as_the_undisturbed_one(chosen: str, tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    for runs in (whole, cut):
        earlier(tmp_path, runs)
    sections = {name: dict(section) for name, section in SEARCHES[chosen].items()}
    sections["search"]["warm_start"] = ["earlier"]
    study = page(tmp_path, "later", **sections)
    running_studies.run(study, whole, *ONE_SLOT)
    for stage, epochs in ((SEARCH, 8), (SEARCH, 20), (REPLICATE, 7)):
        with running_studies.running(study, cut, tmp_path / "log", *ONE_SLOT) as process:
            running_studies.wait_until(partial(has_trained, cut, stage, epochs), f"{epochs} epochs of {stage}", process)
            running_studies.kill(process)
    running_studies.run(study, cut, *ONE_SLOT)
    found, expected = (running_studies.left(runs, "later") for runs in (cut, whole))
    assert running_studies.figures(found) == running_studies.figures(expected)
    assert [(one.state, one.cause, one.kept_epoch) for one in found] == [
        (one.state, one.cause, one.kept_epoch) for one in expected
    ]
    finished = [one for one in found if one.state == FINISHED]
    assert all(0 < one.kept_epoch <= len(one.epochs) <= 10 for one in finished)
    assert any(one.kept_epoch < len(one.epochs) for one in finished)  # else there would be nothing to keep
    assert main(["verify", "later", "--runs", str(cut)]) == 0
