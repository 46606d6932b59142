"""A real study of two minutes: it ends when it should, says so, and keeps what was chosen when it is run again."""

import json
import time
from pathlib import Path

import pytest

from tests.support import running_studies
from uncollapse.analysis.schema import ENDED, REPLICATE, SEARCH

pytestmark = pytest.mark.slow
HOURS = 0.034
SECONDS = 3600 * HOURS


def test_a_study_keeps_to_its_hours_and_to_what_was_chosen(tmp_path: Path) -> None:
    page, runs = tmp_path / "faulty.yaml", tmp_path / "runs"
    small = {"families": ["seqvae", "vmf"], "train": {"epochs": 10, "batch_size": 16}, "replicate": {}}
    assert running_studies.page(tmp_path, **small, search={"hours": HOURS}) == page
    began = time.monotonic()
    done = running_studies.run(page, runs)
    took = time.monotonic() - began
    print(f"wall time {took:.1f} s of {SECONDS:.1f} s")
    assert took <= 1.05 * SECONDS
    assert took >= 0.7 * SECONDS  # what is left belongs to the search
    assert f"budget     {HOURS:g} h: about" in done.stdout
    assert f"Budget: {HOURS:g} h. Planned for it" in done.stdout
    report = runs / "faulty" / "report"
    assert f"Budget: {HOURS:g} h. Planned for it" in (report / "index.html").read_text(encoding="utf-8")
    budget = json.loads((report / "summary.json").read_text(encoding="utf-8"))["study"]["budget"]
    assert 0 < 3600 * budget["used_hours"] < took

    found = running_studies.left(runs)
    assert {record.family for record in found if record.stage == SEARCH and record.state in ENDED} == {"seqvae", "vmf"}
    assert any(record.state in ENDED for record in found if record.stage == REPLICATE)
    again = running_studies.run(page, runs)
    assert "about" not in again.stdout.partition("starting Ray")[0]
    facts = json.loads((runs / "faulty" / "study.json").read_text(encoding="utf-8"))
    assert facts["budget"]["chosen"] == budget["chosen"]
    assert facts["settings"]["train"]["epochs"] == budget["chosen"]["epochs"]
    searched = [record for record in running_studies.left(runs) if record.stage == SEARCH]
    assert running_studies.figures(searched) == running_studies.figures([r for r in found if r.stage == SEARCH])
