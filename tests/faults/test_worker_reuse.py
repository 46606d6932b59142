"""The same study in worker processes that serve many trials, and in a new process for every trial: identical figures."""

from pathlib import Path

import pytest

from tests.support.running_studies import figures, left, page, run

pytestmark = pytest.mark.slow


def test_reused_and_fresh_workers_give_the_same_figures(tmp_path: Path) -> None:
    families = ["seqvae", "vmf", "hsvae", "vat"]
    study = page(tmp_path, families=families, train={"epochs": 2, "batch_size": 32})
    run(study, tmp_path / "reused")
    run(study, tmp_path / "fresh", "--fresh-workers")
    reused, fresh = figures(left(tmp_path / "reused")), figures(left(tmp_path / "fresh"))
    assert len(reused) == len(families) * (3 + 3)
    assert reused == fresh
