"""What of a study's page may change while it goes on, and the reason where it may not."""

import copy
from pathlib import Path
from typing import Any

import pytest

from tests.support import trial_records
from uncollapse.study.corpora.prepare import prepare
from uncollapse.study.errors import UserError
from uncollapse.study.planning.resume import begin, changes
from uncollapse.study.storage.workspace import Workspace

SAFE: dict[str, dict[str, Any]] = {
    "more trials": {"search": {"trials": 9}},
    "more seeds and configurations": {"replicate": {"configurations": 3, "seeds": 8}},
    "the page as it stands is confirmed too": {"replicate": {"also": ["base"]}},
    "another tracking server": {"tracking": "http://127.0.0.1:5000"},
    "another rule of export": {"export": {"collapse_limit": 0.2}},
    "hours": {"search": {"hours": 2.0}},
    "a family more": {"families": {"three": {"base": {}, "search": {}}}},
    "more at once": {"resources": {"at_once": 7, "epoch_seconds": 9.0, "weights_gb": 1}},
    "a part of the same thread": {"resources": {"cpus": 0.5}},
}
UNSAFE: dict[str, tuple[dict[str, Any], str]] = {
    "fewer trials": ({"search": {"trials": 1}}, "`search.trials` was 6 and is now 1; it may only grow"),
    "another sampler": ({"search": {"sampler": "tpe"}}, "`search.sampler` was 'random' and is now 'tpe'; put it back"),
    "longer training": ({"train": {"epochs": 50}}, "`train.epochs` was 9 and is now 50"),
    "mixed precision": ({"train": {"precision": "bfloat16"}}, "`train.precision`"),
    "another seed": ({"seed": 4}, "`seed` was 0 and is now 4"),
    "more threads": ({"resources": {"cpus": 2}}, "threads, which decides how sums round"),
    "a GPU": ({"resources": {"gpus": 1}}, "a CPU and a GPU round differently"),
    "another page": ({"families": {"one": {"base": {"other": 1}, "search": {}}}}, "`families.one` was changed"),
}


CODE = {
    "one": {"models/latents/vmf.py": "a", "study/training/training.py": "b"},
    "two": {"study/training/training.py": "b"},
}


def merged(settings: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    for key, value in change.items():
        settings[key] = {**settings[key], **value} if isinstance(value, dict) else value
    return settings


def found(tmp_path: Path, change: dict[str, Any]) -> list[str]:
    settings = trial_records.study(tmp_path).settings()
    known = {"code": CODE, "corpus": {"digest": "c"}, "settings": copy.deepcopy(settings)}
    return changes(known, merged(settings, change), "c", CODE)


@pytest.mark.parametrize("change", SAFE)
def test_safe_changes_go_on(change: str, tmp_path: Path) -> None:
    assert found(tmp_path, SAFE[change]) == []


@pytest.mark.parametrize("change", UNSAFE)
def test_unsafe_changes_are_refused_with_a_reason(change: str, tmp_path: Path) -> None:
    settings, sentence = UNSAFE[change]
    [error] = found(tmp_path, settings)
    assert sentence in error


def test_a_family_that_is_gone_and_another_corpus_are_refused(tmp_path: Path) -> None:
    settings = trial_records.study(tmp_path).settings()
    known = {"code": CODE, "corpus": {"digest": "c"}, "settings": copy.deepcopy(settings)}
    del settings["families"]["two"]
    gone, corpus = sorted(changes(known, settings, "d", CODE))
    assert "`families.two` is no longer there" in gone
    assert "its corpus was c and is now d" in corpus


def test_a_study_without_a_trial_yet_may_change_altogether(tmp_path: Path) -> None:
    corpus = prepare({"name": "cafes", "sentences": 200}, tmp_path / "cache", tmp_path)
    workspace = Workspace(tmp_path, "small")
    begin(trial_records.study(tmp_path, resources={"cpus": 2}), workspace, "page.yaml", corpus)
    begin(trial_records.study(tmp_path), workspace, "page.yaml", corpus)
    assert workspace.read_facts()["settings"]["resources"]["cpus"] == 1
    workspace.ledger.write_text("a trial\n", encoding="utf-8")
    with pytest.raises(UserError, match="threads, which decides how sums round"):
        begin(trial_records.study(tmp_path, resources={"cpus": 2}), workspace, "page.yaml", corpus)


@pytest.mark.parametrize(
    ("before", "told"),
    [
        (
            {**CODE, "one": {**CODE["one"], "models/latents/vmf.py": "z"}},
            "models/latents/vmf.py has changed since (one)",
        ),
        (
            {name: {**files, "study/training/training.py": "z"} for name, files in CODE.items()},
            "has changed since (one, two)",
        ),
        ({**CODE, "two": {}}, "study/training/training.py is new (two)"),
        ({**CODE, "two": {**CODE["two"], "models/gone.py": "z"}}, "models/gone.py is gone (two)"),
        ("0123456789ab", "it was recorded as 0123456789ab by an earlier version of this program"),
    ],
)
def test_other_code_is_refused_by_the_name_of_its_file(before: Any, told: str, tmp_path: Path) -> None:
    settings = trial_records.study(tmp_path).settings()
    known = {"code": before, "corpus": {"digest": "c"}, "settings": settings}
    (error,) = changes(known, settings, "c", CODE)
    assert told in error
    assert "one study is trained by one code: go on with that version" in error


@pytest.mark.parametrize(
    "before",
    [
        {**CODE, "two": {"study/elsewhere/training.py": "b"}},
        {"one": CODE["one"]},
        {**CODE, "three": {"models/latents/gaussian.py": "a"}},
    ],
    ids=["a file that was moved", "a family more", "a family less"],
)
def test_the_same_code_in_another_place_goes_on(before: Any, tmp_path: Path) -> None:
    settings = trial_records.study(tmp_path).settings()
    assert changes({"code": before, "corpus": {"digest": "c"}, "settings": settings}, settings, "c", CODE) == []
