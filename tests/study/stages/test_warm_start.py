"""A warm start: earlier trials are observations of the sampler and nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support import trial_records
from tests.support.study_pages import refused
from uncollapse.study.config import objectives
from uncollapse.study.config.study_page import Study
from uncollapse.study.errors import UserError
from uncollapse.study.stages import warm_start
from uncollapse.study.stages.search import SearchStage
from uncollapse.study.storage.fingerprints import code_of
from uncollapse.study.storage.ledger import Ledger, record_of
from uncollapse.study.storage.recorder import Recorder
from uncollapse.study.storage.tables import records
from uncollapse.study.storage.workspace import Workspace

BEFORE, AFTER = "2020-01-01T00:00:00+00:00", "2120-01-01T00:00:00+00:00"


def begun(
    folder: Path, name: str, created: str, space: str = trial_records.SPACE, **sections: Any
) -> tuple[Study, Workspace]:
    """A study that has its facts, as `continuation.begin` writes them."""
    study = trial_records.study(folder, space, names=("one",), study=name, **sections)
    workspace = Workspace(folder / "runs", name)
    facts = {
        "study": name,
        "created": created,
        "code": code_of(study.families),
        "corpus": {"name": "cafes", "digest": "abc"},
    }
    workspace.write_facts({**facts, "settings": json.loads(json.dumps(study.settings()))})
    return study, workspace


def searched(study: Study, workspace: Workspace, earlier: Any = None) -> list[float]:
    """Scales in the order in which they were drawn; the best one is 0.7."""
    stage = SearchStage(
        study, "abc", Recorder(Ledger(workspace.folder, study.name, write=True), study.search.select), earlier
    )
    drawn = []
    while (record := stage.next_trial()) is not None:
        drawn.append(scale := record.configuration["latent"]["prior_scale"])
        told = trial_records.epoch_record(1, 100 * abs(scale - 0.7)) | {"subset/mi": scale}
        stage.recorder.epoch(record.key, told)
        stage.recorder.finish(record.key, {})
    return drawn


def page(**search: Any) -> dict[str, Any]:
    return {"search": {"trials": 12, "sampler": "tpe", "stop_early": "none", **search}}


def test_the_first_proposals_lie_where_the_earlier_study_was_good(tmp_path: Path) -> None:
    searched(*begun(tmp_path, "earlier", BEFORE, **page(trials=40)))
    cold = searched(*begun(tmp_path, "cold", AFTER, **page()))
    study, workspace = begun(tmp_path, "later", AFTER, **page(warm_start=["earlier"]))
    said: list[str] = []
    known = warm_start.observations(study, workspace, said.append)
    assert said == ["warm start: one learns from 40 of 40 finished trials of earlier that lie within its space"]
    warmed = searched(study, workspace, known)
    off = [sum(abs(scale - 0.7) for scale in drawn[:8]) / 8 for drawn in (warmed, cold)]
    assert off[0] < 0.75 * off[1]
    own = records(workspace.folder, "later")
    assert [record.number for record in own] == list(range(12))
    assert {record.stage for record in own} == {"search"}


def test_a_restart_proposes_what_the_undisturbed_run_proposes(tmp_path: Path) -> None:
    searched(*begun(tmp_path, "earlier", BEFORE, **page()))
    study, workspace = begun(tmp_path, "later", AFTER, **page(warm_start=["earlier"]))
    whole = searched(study, workspace, warm_start.observations(study, workspace))
    short, place = begun(tmp_path, "cut", AFTER, **page(warm_start=["earlier"], trials=5))
    searched(short, place, warm_start.observations(short, place))
    grown, _ = begun(tmp_path, "cut", AFTER, **page(warm_start=["earlier"]))
    searched(grown, place, warm_start.observations(grown, place))
    scales = [record.configuration["latent"]["prior_scale"] for record in records(place.folder, "cut")]
    assert scales == whole


def test_what_ends_after_this_study_began_is_not_known_to_it(tmp_path: Path) -> None:
    searched(*begun(tmp_path, "earlier", BEFORE, **page()))
    study, workspace = begun(tmp_path, "later", BEFORE, **page(warm_start=["earlier"]))
    assert warm_start.observations(study, workspace) == {"one": []}


NARROW = "search: {latent: {size: {choice: [2, 3, 4]}, prior_scale: {float: [0.5, 1.0], log: true}}}"
MORE = "search: {latent: {size: {choice: [2, 3, 4]}, prior_scale: {float: [0.1, 1.0]}}, inputs: {size: {int: [4, 9]}}}"


def test_only_what_this_space_could_have_drawn_is_known(tmp_path: Path) -> None:
    drawn = searched(*begun(tmp_path, "earlier", BEFORE, **page(trials=30)))
    study, workspace = begun(
        tmp_path / "narrow", "later", AFTER, NARROW, **page(warm_start=[str(tmp_path / "runs/earlier")])
    )
    known = warm_start.observations(study, workspace)["one"]
    assert sorted(trial.params["latent.prior_scale"] for trial in known) == sorted(s for s in drawn if s >= 0.5)
    other, place = begun(tmp_path / "more", "later", AFTER, MORE, **page(warm_start=[str(tmp_path / "runs/earlier")]))
    assert warm_start.observations(other, place) == {"one": []}
    base = {**page(warm_start=[str(tmp_path / "runs/earlier")]), "override": {"encoder": {"hidden": 9}}}
    assert warm_start.observations(*begun(tmp_path / "base", "later", AFTER, **base)) == {"one": []}


def test_observations_carry_objectives_and_limits_of_this_study(tmp_path: Path) -> None:
    searched(*begun(tmp_path, "earlier", BEFORE, **page()))
    asked = page(warm_start=["earlier"], select=["nll_iw", "mi"], subject_to={"subset/mi": ">= 0.5"})
    study, workspace = begun(tmp_path, "later", AFTER, **asked)
    known = warm_start.observations(study, workspace)["one"]
    before = [record_of(trial) for trial in Ledger(tmp_path / "runs/earlier", "earlier").trials("search", "one")]
    assert [trial.values for trial in known] == [objectives.values(record, study.search.select) for record in before]
    scales = [record.configuration["latent"]["prior_scale"] for record in before]
    assert [trial.constraints["mi >= 0.5"] for trial in known] == pytest.approx([0.5 - scale for scale in scales])
    assert len(searched(study, workspace, {"one": known})) == 12


def test_figures_that_mean_something_else_are_refused(tmp_path: Path) -> None:
    _, place = begun(tmp_path, "earlier", BEFORE, **page())
    facts = place.read_facts()
    place.write_facts({**facts, "corpus": {"name": "ptb", "digest": "def"}, "code": "old"})
    asked = page(warm_start=["earlier", "nowhere"])
    study, workspace = begun(tmp_path, "later", AFTER, **asked, evaluate={"subset_samples": 3})
    with pytest.raises(UserError) as error:
        warm_start.observations(study, workspace)
    other, code, samples, nowhere = error.value.errors
    assert "earlier has another corpus (ptb)" in other
    assert "earlier was trained by other code: it was recorded as old by an earlier version" in code
    assert "earlier has evaluate.subset_samples: 8 and this study 3; leave it out" in samples
    assert "no study 'nowhere'" in nowhere


@pytest.mark.parametrize("sampler", ["random", "qmc", "grid"])
def test_a_sampler_that_does_not_learn_is_refused(sampler: str) -> None:
    error = refused(search={"sampler": sampler, "warm_start": ["earlier"]})[0]
    assert f"search.warm_start: {sampler} proposals learn from nothing" in error
