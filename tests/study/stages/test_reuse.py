"""Trials that another study trained are taken over as if they had been trained here, and never trained again."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.support import trial_records
from uncollapse.analysis.schema import FAILED, FINISHED, REPLICATE, SEARCH, STOPPED
from uncollapse.study.config.study_page import Study
from uncollapse.study.planning.resume import changes
from uncollapse.study.results.saved_model import save_weights
from uncollapse.study.stages import reuse
from uncollapse.study.stages.replicate import ReplicateStage
from uncollapse.study.stages.reuse import Reuse
from uncollapse.study.stages.search import SearchStage
from uncollapse.study.storage.ledger import Ledger
from uncollapse.study.storage.recorder import Recorder
from uncollapse.study.storage.tables import records
from uncollapse.study.storage.workspace import Workspace
from uncollapse.study.trial_record import TrialRecord

Trials = list[TrialRecord]
CODE: dict[str, Any] = {"one": {}}
LINEAR = torch.nn.Linear(2, 3)


def begun(folder: Path, name: str, corpus: str = "abc", **sections: Any) -> tuple[Study, Workspace]:
    """A study of one family that has its facts."""
    study = trial_records.study(folder, names=("one",), study=name, **sections)
    workspace = Workspace(folder / "runs", name)
    facts = {"study": name, "corpus": {"name": "cafes", "digest": corpus}, "code": CODE}
    workspace.write_facts({**facts, "settings": json.loads(json.dumps(study.settings()))})
    return study, workspace


def trained(study: Study, workspace: Workspace, taken: Reuse | None = None) -> tuple[Trials, Trials]:
    """Run both stages; the trials of each that were handed out to be trained."""
    recorder = Recorder(Ledger(workspace.folder, study.name, write=True), study.search.select)
    searched = trial_records.run(SearchStage(study, "abc", recorder, reuse=taken))
    return searched, trial_records.run(ReplicateStage(study, "abc", recorder, reuse=taken, weights=workspace.weights))


def whole(found: Trials) -> dict[str, Any]:
    """What was recorded, times left out."""
    return {
        one.key: (one.state, [{**epoch, "time": 0} for epoch in one.epochs], one.final, one.kept_epoch, one.role)
        for one in found
    }


def test_a_study_like_another_trains_nothing_and_has_the_same_records(tmp_path: Path) -> None:
    first = begun(tmp_path, "first")
    trained(*first)
    before = records(first[1].folder, "first")
    assert {one.state for one in before} == {FINISHED, STOPPED}
    (first[1].weights).mkdir()
    confirmed = [one.key for one in before if one.stage == REPLICATE]
    save_weights(LINEAR, first[1].weights / f"{confirmed[0]}.safetensors", confirmed[0])
    study, workspace = begun(tmp_path, "second", search={"reuse": True})
    said: list[str] = []
    taken = reuse.reusable(study, workspace, said.append)
    finished = sum(one.state == FINISHED for one in before)
    assert said == [
        f"reuse: trials of other studies that are taken over where this one comes to them: {finished} of first"
    ]
    searched, confirmed_here = trained(study, workspace, taken)
    after = records(workspace.folder, "second")
    assert whole(after) == whole(before)
    assert confirmed_here == []
    assert {one.key for one in searched} == {one.key for one in before if one.state == STOPPED}
    assert {one.reused_from for one in after if one.state == FINISHED} == {"first"}
    assert [path.stem for path in workspace.weights.iterdir()] == [confirmed[0]]
    third = begun(tmp_path, "third", search={"reuse": True})
    assert {one.study for one in reuse.reusable(*third).values()} == {"first"}  # that trained them


@pytest.mark.parametrize("content", ["of another trial", "garbage", "nothing"])
def test_weights_that_are_not_the_trials_are_left_alone_and_said_once(content: str, tmp_path: Path) -> None:
    first = begun(tmp_path, "first")
    trained(*first)
    confirmed = [one.key for one in records(first[1].folder, "first") if one.stage == REPLICATE]
    wrong, sound = (first[1].weights / f"{key}.safetensors" for key in confirmed[:2])
    save_weights(LINEAR, sound, confirmed[1])
    save_weights(LINEAR, wrong, "another")
    if content != "of another trial":
        wrong.write_bytes(b"" if content == "nothing" else b"garbage" * 100)
    study, workspace = begun(tmp_path, "second", search={"reuse": True})
    said: list[str] = []
    before = wrong.read_bytes()
    assert trained(study, workspace, reuse.reusable(study, workspace, said.append))[1] == [], "the trial is taken over"
    assert [path.name for path in workspace.weights.iterdir()] == [sound.name], "and nothing half-copied is left"
    assert wrong.read_bytes() == before
    assert [sentence.split(";")[0] for sentence in said[1:]] == [
        f"reuse: {wrong}: the weights of trial {confirmed[0]} are expected, and these are of another or cannot be read"
    ]
    assert trained(study, workspace, reuse.reusable(study, workspace, said.append)) == ([], [])
    assert len(said) == 3


def test_nothing_is_taken_over_unless_it_is_asked_for(tmp_path: Path) -> None:
    trained(*begun(tmp_path, "first"))
    assert reuse.reusable(*begun(tmp_path, "second")) == {}


def test_a_trial_of_the_search_never_becomes_a_confirmation_run(tmp_path: Path) -> None:
    trained(*begun(tmp_path, "first"))
    taken = reuse.reusable(*begun(tmp_path, "second", search={"reuse": True}))
    tuning = {one.record.seed for one in taken.values() if one.record.stage == SEARCH}
    confirming = {one.record.seed for one in taken.values() if one.record.stage == REPLICATE}
    assert tuning
    assert confirming
    assert not tuning & confirming
    more, workspace = begun(tmp_path, "third", search={"reuse": True}, replicate={"seeds": 5})
    _, confirmed = trained(more, workspace, reuse.reusable(more, workspace))
    assert {one.seed for one in confirmed} == {4, 5}
    found = [one for one in records(workspace.folder, "third") if one.stage == REPLICATE]
    seeds = [
        {one.seed for one in found if one.configuration_id == name} for name in {r.configuration_id for r in found}
    ]
    assert all(own == {1, 2, 3, 4, 5} for own in seeds)


def test_early_stopping_is_this_studys_own(tmp_path: Path) -> None:
    trained(*begun(tmp_path, "first", search={"stop_early": "none"}))
    study, workspace = begun(tmp_path, "second", search={"reuse": True})
    searched, _ = trained(study, workspace, reuse.reusable(study, workspace))
    plain, alone = begun(tmp_path / "alone", "second")
    trained(plain, alone)
    assert searched == []
    assert whole(records(workspace.folder, "second")) == whole(records(alone.folder, "second"))


def test_a_kill_while_taking_over_leaves_the_trial_to_be_taken_over_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(*begun(tmp_path, "first", search={"stop_early": "none"}))
    study, workspace = begun(tmp_path, "second", search={"stop_early": "none", "reuse": True})
    taken = reuse.reusable(study, workspace)
    recorder = Recorder(Ledger(workspace.folder, "second", write=True), study.search.select)

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(recorder.ledger, "end", killed)
    with pytest.raises(KeyboardInterrupt):
        SearchStage(study, "abc", recorder, reuse=taken).next_trial()
    assert all(one.epochs == () for one in records(workspace.folder, "second"))
    trained(study, workspace, taken)
    found = records(workspace.folder, "second")
    assert whole(found) == whole(records(tmp_path / "runs" / "first", "first"))
    assert trained(study, workspace) == ([], [])


@pytest.mark.parametrize(
    ("sections", "why"),
    [
        ({"resources": {"cpus": 2}}, "its number of threads (resources.cpus) is another"),
        ({"resources": {"gpus": 1}}, "its kind of device (resources.gpus) is another"),
        ({"train": {"epochs": 9, "deterministic": False}}, "its train.deterministic is another"),
    ],
)
def test_what_rounds_differently_is_left_out_and_that_is_said(
    tmp_path: Path, sections: dict[str, Any], why: str
) -> None:
    trained(*begun(tmp_path, "first", **sections))
    said: list[str] = []
    assert reuse.reusable(*begun(tmp_path, "second", search={"reuse": True}), said.append) == {}
    assert said[0] == f"reuse: first is left out: {why}, so its numbers round differently"


def test_other_corpora_failures_and_damaged_studies_give_nothing(tmp_path: Path) -> None:
    trained(*begun(tmp_path, "elsewhere", corpus="other"))
    study, workspace = begun(tmp_path, "failing")
    recorder = Recorder(Ledger(workspace.folder, "failing", write=True), study.search.select)
    stage = SearchStage(study, "abc", recorder)
    while (record := stage.next_trial()) is not None:
        recorder.fail(record.key, "out of memory")
    assert {one.state for one in records(workspace.folder, "failing")} == {FAILED}
    damaged = tmp_path / "runs" / "damaged"
    damaged.mkdir()
    (damaged / "study.json").write_text("{")
    said: list[str] = []
    assert reuse.reusable(*begun(tmp_path, "mine", search={"reuse": True}), said.append) == {}
    assert said[0].startswith("reuse: damaged is left out: ")
    assert said[1].endswith(": none")


def test_reuse_may_be_asked_for_while_a_study_is_under_way(tmp_path: Path) -> None:
    _, workspace = begun(tmp_path, "mine")
    later, _ = begun(tmp_path / "later", "mine", search={"reuse": True})
    facts = workspace.read_facts()
    assert changes(facts, {**later.settings(), "families": facts["settings"]["families"]}, "abc", CODE) == []
