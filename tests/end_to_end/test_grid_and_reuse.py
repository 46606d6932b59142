"""A real study by grid, and a second one that is the same and trains nothing."""

from pathlib import Path

import pytest

from tests.support import running_studies
from uncollapse.analysis.schema import DROPPED, FINISHED, REPLICATE, SEARCH
from uncollapse.cli.main import main

pytestmark = pytest.mark.slow
FAMILY = """
title: small
paper: "none"
base:
  inputs: {size: 16}
  encoder: {kind: recurrent, hidden: 16}
  pool: {kind: last, at: features}
  latent: {kind: gaussian, size: 4}
  decoder: {kind: recurrent, hidden: 16, inject: [state]}
  objective: {kl.z: {kind: constant, value: 1.0}}
search:
  latent: {size: {choice: [2, 4]}}
  objective: {kl.z: {one_of: {constant: {value: {float: [0.1, 1.0], points: [0.1, 1.0]}}}}}
"""


def test_a_grid_ends_and_what_was_trained_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(FAMILY)
    runs, out = tmp_path / "runs", {}
    for name, reuse in (("first", False), ("second", True)):
        search = {"trials": 9, "sampler": "grid", "stop_early": "none", "subject_to": "none", "reuse": reuse}
        page = running_studies.page(
            tmp_path, study=name, families=["small.yaml"], search=search, train={"epochs": 2}, override={}
        )
        out[name] = running_studies.run(page, runs).stdout
        assert "small: a grid of 4 points: the search ends when all are tried, after 4 of 9 trials" in out[name]
    first, second = (running_studies.left(runs, name) for name in ("first", "second"))
    searched = [one for one in first if one.stage == SEARCH and one.state != DROPPED]
    tried = [(one.configuration["latent"]["size"], one.configuration["objective"]["kl.z"]["value"]) for one in searched]
    assert sorted(tried) == [(2, 0.1), (2, 1.0), (4, 0.1), (4, 1.0)]
    assert running_studies.figures(second) == running_studies.figures(first)
    assert {one.reused_from for one in second if one.state == FINISHED} == {"first"}
    assert sum(one.stage == REPLICATE for one in second) == 3
    sentence = "Taken over and not trained again: 4 search trials and 3 confirmation runs, 7 from first."
    assert sentence in out["second"]
    assert sentence in (runs / "second" / "report" / "index.html").read_text(encoding="utf-8")
    assert main(["verify", "second", "--runs", str(runs)]) == 0
