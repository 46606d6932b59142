"""What families lack here is said before anything starts, and `families: all` is every one that can run."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.models import PAGE, write
from uncollapse.cli.main import main
from uncollapse.models.configuration import weights
from uncollapse.study.config import families, study_page
from uncollapse.study.config.study_page import Study
from uncollapse.study.errors import UserError
from uncollapse.study.planning import preflight
from uncollapse.study.planning.able import only_able, weight_errors
from uncollapse.study.planning.resolution import warnings
from uncollapse.study.storage.workspace import Workspace

STARTED = ("b_hsvae", "b_vae", "bert_classifier", "minibert")  # from weights that are not ours


@pytest.fixture(autouse=True)
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No hub is within reach, and its cache is empty."""
    monkeypatch.setattr(weights, "hub_error", lambda name: weights.lacking(name, "offline"))
    weights.forget()


def study(folder: Path, **changes: Any) -> Study:
    page = {"study": "mine", "corpus": {"name": "cafes"}, "families": "all", **changes}
    return only_able(study_page.parse(page, folder, "my.yaml"))


def names(of: Study) -> set[str]:
    return {family.name for family in of.families}


def test_all_are_those_that_can_run_here_and_the_others_are_named(tmp_path: Path) -> None:
    found = study(tmp_path)
    assert set(families.names()) - names(found) == set(STARTED)
    for name in STARTED:
        (sentence,) = [one for one in found.left_out if f"without {name}: " in one]
        assert "encoder.name: the weights of" in sentence
    assert warnings(found)[: len(STARTED)] == list(found.left_out)
    assert weight_errors(found) == []
    assert preflight.errors(found, Workspace(tmp_path, "mine"), None) == []


@pytest.mark.parametrize(
    ("changes", "without"),
    [
        ({"train": {"epochs": 10}}, {"g_nvdm"}),
        ({"corpus": {"path": "a.txt", "format": "lines"}}, {"nvrnn_labelled", "simple_classifier"}),
        ({"override": {"latent": {"size": 3}, "encoder": {"hidden": 7}}}, {"vat", "vat_sum"}),
    ],
    ids=["short", "no classes", "an override"],
)
def test_what_only_some_cannot_leaves_these_out(changes: dict[str, Any], without: set[str], tmp_path: Path) -> None:
    found = study(tmp_path, **changes)
    assert not without & names(found)
    assert {"seqvae", "vmf", "maxpool"} <= names(found)
    assert all(any(name in sentence for sentence in found.left_out) for name in without)


def test_what_none_can_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no family of this study has such an option"):
        study(tmp_path, override={"latent": {"no_such": 3}})
    with pytest.raises(UserError, match=r"encoder\.hidden"):
        study(tmp_path, override={"encoder": {"hidden": 0}, "decoder": {"hidden": 0}})


def test_families_that_are_named_are_refused_with_what_they_lack(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = {"study": "mine", "corpus": {"name": "cafes"}, "families": ["vmf", "minibert"]}
    path = write(tmp_path / "my.yaml", json.dumps(page))
    for command in (["plan", "--no-calibrate"], ["plan"], ["run"]):
        assert main([command[0], str(path), "--runs", str(tmp_path / "runs"), *command[1:]]) == 2
        said = capsys.readouterr().err
        assert said.startswith("uncollapse: minibert.encoder.name: the weights of 'google/bert_uncased_L-4_H-128_A-2'")
        assert "offline" in said
        assert len(said.splitlines()) == 1


@pytest.mark.parametrize(
    ("files", "lacks"), [((), "config.json and model.safetensors"), (("config.json",), "model.safe")]
)
def test_a_folder_without_weights(files: tuple[str, ...], lacks: str, tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    for file in files:
        write(tmp_path / "bert" / file, "{}")
    (tmp_path / "bert").mkdir(exist_ok=True)
    configuration = {"encoder": {"kind": "bert", "name": str(tmp_path / "bert")}}
    assert f"({lacks}" in str(weights.error(configuration))
    for file in ("config.json", "model.safetensors"):
        write(tmp_path / "bert" / file, "{}")
    weights.forget()
    assert weights.error(configuration) is None


def test_a_page_without_such_weights_lacks_nothing(tmp_path: Path) -> None:
    write(tmp_path / "own.yaml", PAGE)
    assert weight_errors(study(tmp_path, families=["own.yaml"])) == []
