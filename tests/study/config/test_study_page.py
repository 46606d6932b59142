"""Study pages: defaults, every kind of error, all of them at once, overrides."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.models import PAGE, write
from tests.support.study_pages import MINIMAL, parse, refused
from uncollapse.search_spaces import space
from uncollapse.study.config import families, sections, study_page
from uncollapse.study.errors import UserError
from uncollapse.study.storage.workspace import writable


def test_a_minimal_page_has_every_default() -> None:
    study = parse()
    assert study.name == "mine"
    assert [family.name for family in study.families] == ["seqvae", "vmf"]
    assert study.search == sections.Search(24, None, "cei", (), "none", "valid/nll_iw", 0.1)
    assert study.replicate == sections.Replicate(configurations=3, seeds=10)
    assert (study.train.epochs, study.train.patience, study.train.keep, study.train.batch_size) == (30, 5, "best", 32)
    assert (study.resources.cpus, study.resources.gpus) == (1, 0)
    assert (study.seed, study.tracking, study.override) == (0, None, {})


def test_what_is_given_wins_and_the_rest_of_its_section_stays() -> None:
    study = parse(search={"trials": 3, "audit": 1}, resources={"gpus": 0.25}, seed=7, tracking="http://127.0.0.1:5000")
    assert (study.search.trials, study.search.audit, study.search.sampler) == (3, 1, "cei")
    assert (study.resources.cpus, study.resources.gpus) == (1, 0.25)
    assert (study.seed, study.tracking) == (7, "http://127.0.0.1:5000")


def test_all_families_may_be_asked_for() -> None:
    assert [family.name for family in parse(families="all").families] == families.names()


def test_the_resolved_page_is_plain_data() -> None:
    settings = json.loads(json.dumps(parse(seed=3).settings()))
    assert settings["search"]["trials"] == 24
    assert settings["seed"] == 3
    assert settings["families"]["vmf"]["search"]["latent"]["kappa"] == {"float": [5.0, 200.0], "log": True}


def test_the_built_in_study_is_sound() -> None:
    page = Path(study_page.__file__).parent / "cafes.yaml"
    if not page.exists():
        pytest.skip("the built-in study is not there yet")
    assert study_page.load(page).families


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"famlies": []}, "unknown key of a study 'famlies'; did you mean 'families'? known: corpus, evaluate, "),
        ({"study": "a b"}, "study: a name of letters, digits, '.', '_' and '-', 64 at most, found 'a b'"),
        ({"study": "../up"}, "study: a name of letters, digits"),
        ({"study": ""}, "study: a name of letters, digits"),
        ({"study": "x" * 65}, "study: a name of letters, digits"),
        ({"study": 3}, "study: a name of letters, digits, '.', '_' and '-', 64 at most, found 3"),
        ({"corpus": "cafes"}, "corpus: a mapping such as {name: cafes} or {path: ..., format: ...}, found 'cafes'"),
        ({"families": []}, "families: a list of at least one family, or `all`, found []"),
        ({"families": "vmf"}, "families: a list of at least one family, or `all`, found 'vmf'"),
        ({"families": None}, "families: a list of at least one family, or `all`, found None"),
        ({"families": ["vmf", "vmf"]}, "families: each family once, found ['vmf', 'vmf']"),
        ({"families": ["vfm"]}, "families: unknown family 'vfm'; did you mean 'vmf'? known: abspool, "),
        ({"families": [3]}, "families: unknown family '3'"),
        ({"search": {"trails": 3}}, "search.trails: unknown key of search 'trails'; did you mean 'trials'? "),
        ({"search": {"trials": 0}}, "search.trials: must be at least 1, found 0"),
        ({"search": {"trials": 2.5}}, "search.trials: must be a whole number, found 2.5"),
        ({"search": {"hours": 0}}, "search.hours: must be greater than 0, found 0"),
        ({"search": {"hours": "2 h"}}, "search.hours: must be a number"),
        ({"search": {"trials": True}}, "search.trials: must be a whole number, found True"),
        (
            {"search": {"sampler": "grit"}},
            "search.sampler: must be one of cei, gp, tpe, cmaes, nsgaii, random, qmc, grid, found 'grit'",
        ),
        ({"search": {"select": "train/loss"}}, "search.select: must begin with valid/nll_iw or valid/nll_elbo"),
        ({"search": {"audit": 1.5}}, "search.audit: must be at most 1, found 1.5"),
        ({"search": {"stop_early": True}}, "search.stop_early: must be one of none, asha, found True"),
        (
            {"search": [3]},
            "search: a mapping of trials, hours, sampler, start, stop_early, select, audit, subject_to, warm_start, reuse, found [3]",
        ),
        ({"search": None}, "search: a mapping of trials, hours, sampler"),
        ({"resources": {"cpus": 0}}, "resources.cpus: must be greater than 0, found 0"),
        ({"resources": {"gpus": -1}}, "resources.gpus: must be at least 0, found -1"),
        (
            {"resources": {"gpus": 2}},
            "resources.gpus: must be at most 1 (a trial trains on one GPU; more of them train more trials at once), found 2",
        ),
        ({"train": {"epochs": "ten"}}, "train.epochs: must be a whole number, found 'ten'"),
        ({"evaluate": {"full_samples": 0}}, "evaluate.full_samples: must be at least 1, found 0"),
        ({"export": {"collapse_limit": 2}}, "export.collapse_limit: must be at most 1, found 2"),
        ({"seed": -1}, "seed: a whole number from 0, found -1"),
        ({"seed": True}, "seed: a whole number from 0, found True"),
        ({"seed": 1.0}, "seed: a whole number from 0, found 1.0"),
        ({"tracking": 5000}, "tracking: MLflow's URI, such as http://127.0.0.1:5000, found 5000"),
        ({"override": ["encoder"]}, "override: a mapping of components, such as {encoder: {hidden: 128}}, found "),
        ({"override": {"encoder": 128}}, "override.encoder: a mapping of options, found 128"),
        ({"override": {"encoder": {"hiden": 8}}}, "override.encoder.hiden: no family of this study has such "),
        ({"override": {"encodr": {"hidden": 8}}}, "override.encodr.hidden: no family of this study has "),
        ({"override": {"objective": {"kl.w": {"kind": "constant"}}}}, "override.objective.kl.w: no family of this "),
    ],
)
def test_errors(changes: dict[str, Any], error: str) -> None:
    (found,) = refused(**changes)
    assert found.startswith(f"my.yaml: {error}")


@pytest.mark.parametrize("key", ["study", "corpus", "families"])
def test_what_a_page_must_say(key: str) -> None:
    page = {name: value for name, value in MINIMAL.items() if name != key}
    with pytest.raises(UserError) as error:
        study_page.parse(page, Path(), "my.yaml")
    (error,) = error.value.errors
    assert error.startswith(f"my.yaml: {key}: ")
    assert "found None" in error or "found none" in error


def test_all_errors_are_told_at_once() -> None:
    errors = refused(
        study="?", corpus=3, families=["vfm", "hrvea"], search={"trials": 0, "audit": 2}, seed="x", extra=1, tracking=[]
    )
    starts = [
        "unknown key",
        "study: ",
        "corpus: ",
        "tracking: ",
        "seed: ",
        "search.trials: ",
        "search.audit: ",
        "families: unknown family 'vfm'",
        "families: unknown family 'hrvea'",
    ]
    assert len(errors) == len(starts)
    assert all(error.startswith(f"my.yaml: {start}") for error, start in zip(errors, starts, strict=True))


@pytest.mark.parametrize("page", [None, 3, "study", ["study"]])
def test_a_page_is_a_mapping(page: Any) -> None:
    with pytest.raises(UserError, match=r"my\.yaml: a study page is a mapping with study, corpus and families, found"):
        study_page.parse(page, Path(), "my.yaml")


def test_an_override_is_laid_over_every_family_with_a_place_for_it() -> None:
    study = parse(families=["seqvae", "vat", "lstm_lm"], override={"encoder": {"hidden": 16, "heads": 2}})
    seqvae, vat, lm = study.families
    assert seqvae.base["encoder"]["hidden"] == 16
    assert "heads" not in seqvae.base["encoder"]
    assert (vat.base["encoder"]["hidden"], vat.base["encoder"]["heads"]) == (16, 2)
    assert lm.base["encoder"] == {"kind": "none"}


def test_an_override_takes_its_hyperparameters_out_of_the_search() -> None:
    study = parse(override={"latent": {"size": 4}})
    searched = [{name for name, _ in space.hyperparameters(family.search)} for family in study.families]
    assert all("latent.size" not in hyperparameters for hyperparameters in searched)
    assert "latent.kappa" in searched[1]


def test_an_override_that_breaks_a_family_is_refused_with_its_place() -> None:
    (error,) = refused(override={"latent": {"size": 0}}, families=["vmf"])
    assert error == "my.yaml: under `override`, vmf.latent.size: must be at least 2, found 0"
    (error,) = refused(override={"pool": {"kind": "nowhere"}}, families=["vmf"])
    assert error.startswith("my.yaml: under `override`, vmf.decoder.kind: with `pool: {kind: nowhere}`")


def test_a_page_of_the_user_is_found_beside_the_study(tmp_path: Path) -> None:
    write(tmp_path / "families" / "own.yaml", PAGE)
    path = write(tmp_path / "my.yaml", "study: mine\ncorpus: {name: cafes}\nfamilies: [vmf, families/own.yaml]\n")
    study = study_page.load(path)
    assert [family.name for family in study.families] == ["vmf", "own"]
    assert study.folder == tmp_path


def test_a_page_of_the_user_must_not_take_the_name_of_another(tmp_path: Path) -> None:
    write(tmp_path / "vmf.yaml", PAGE)
    with pytest.raises(UserError, match="each family once"):
        parse(tmp_path, families=["vmf", "vmf.yaml"])


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"my\.yaml: no such file; give the path of a study page"):
        study_page.load(tmp_path / "my.yaml")
    with pytest.raises(UserError, match=r"my\.yaml, line 2: the key 'study' is given twice"):
        study_page.load(write(tmp_path / "my.yaml", "study: a\nstudy: b\n"))
    with pytest.raises(UserError, match="Is a directory"):
        study_page.load(tmp_path)


@pytest.mark.parametrize(
    "changes",
    [{"study": "mine\n"}, {"evaluate": {"subset_sentences": 1}}],
)
def test_pages_that_cannot_work_are_refused(changes: dict[str, Any]) -> None:
    page = {"study": "mine", "corpus": {"name": "cafes"}, "families": ["vmf"], **changes}
    with pytest.raises(UserError):
        study_page.parse(page, Path(), "my.yaml")


@pytest.mark.parametrize(
    ("changes", "place", "offence"),
    [
        ({"corpus": {"path": "a\x1b[2Jb"}}, "corpus.path", "a text has no control characters"),
        ({"override": {"latent": {"size": 10**18}}}, "override.latent.size", "a whole number has at most 18 digits"),
    ],
)
def test_what_no_exported_file_could_hold_is_refused_first(
    changes: dict[str, Any], place: str, offence: str, tmp_path: Path
) -> None:
    page = {"study": "mine", "corpus": {"name": "cafes"}, "families": ["vmf"], **changes}
    with pytest.raises(UserError, match=rf"^the study: {place}: {offence}"):
        study_page.parse(page, tmp_path, "the study")


def test_a_folder_whose_name_no_exported_file_could_hold_is_refused_first(tmp_path: Path) -> None:
    page = {"study": "mine", "corpus": {"name": "cafes"}, "families": ["vmf"]}
    with pytest.raises(UserError, match=r"^the study: folder: a text has no control characters"):
        study_page.parse(page, tmp_path / "a\x1bb", "the study")
    assert "cannot be written" in str(writable(tmp_path / "a\udc80b"))
