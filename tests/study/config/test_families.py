"""Families: pages found by name or path, checked as a whole, merged and overridden."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.models import PAGE, write
from uncollapse.search_spaces import space
from uncollapse.study.config import families, page_files
from uncollapse.study.config.families import Family
from uncollapse.study.errors import UserError


def refused(path: Path) -> tuple[str, ...]:
    with pytest.raises(UserError) as error:
        families.load(str(path))
    return error.value.errors


def test_every_page_of_the_folder_is_a_family_and_the_shared_space_is_none() -> None:
    pages = {path.stem for path in page_files.FOLDER.glob("*.yaml")}
    assert pages - set(families.names()) == {"annealing"}
    assert families.names() == sorted(families.names())


def test_an_unknown_family_is_guessed_at() -> None:
    with pytest.raises(UserError, match="families: unknown family 'seqve'; did you mean 'seqvae'\\? known: abspool, "):
        families.load("seqve")
    with pytest.raises(UserError, match=r"or give the path of a page ending in \.yaml"):
        families.load("annealing")


@pytest.mark.parametrize("ending", [".yaml", ".yml"])
def test_a_page_of_the_user_is_a_family_named_after_its_file(tmp_path: Path, ending: str) -> None:
    write(tmp_path / "pages" / f"mine{ending}", PAGE)
    family = families.load(f"pages/mine{ending}", tmp_path)
    assert (family.name, family.title, family.search) == ("mine", "A page", {})
    assert family.configure({})["latent"]["size"] == 4


def test_a_page_that_is_not_there_is_named(tmp_path: Path) -> None:
    (error,) = refused(tmp_path / "none.yaml")
    assert "none.yaml" in error


def test_a_page_that_is_not_yaml_is_named_with_its_line(tmp_path: Path) -> None:
    (error,) = refused(write(tmp_path / "mine.yaml", PAGE + "title: again\n"))
    assert "mine.yaml, line 10: the key 'title' is given twice" in error


@pytest.mark.parametrize("text", ["", "- a\n", "3\n"])
def test_a_page_is_a_mapping(tmp_path: Path, text: str) -> None:
    (error,) = refused(write(tmp_path / "mine.yaml", text))
    assert error.startswith("mine.yaml: a page is a mapping with title, paper, base, search, found ")


def test_all_errors_of_a_pages_form_are_told_at_once(tmp_path: Path) -> None:
    text = "titel: x\nsearch: {latent: {size: {choice: []}}}\n"
    assert refused(write(tmp_path / "mine.yaml", text)) == (
        "mine.yaml: unknown key of a page 'titel'; did you mean 'title'? known: base, paper, search, title",
        "mine.yaml: a page says its title; add it",
        "mine.yaml: a page says its paper; add it",
        "mine.yaml: a page says its base; add it",
        "mine.yaml: search.latent.size.choice: a list of at least one value, found []",
    )


def test_all_errors_of_a_base_are_told_at_once(tmp_path: Path) -> None:
    text = PAGE.replace("last", "lst").replace("size: 4", "size: 0").replace("kl.z", "kl.w")
    errors = refused(write(tmp_path / "mine.yaml", text))
    assert [error.split(": ")[0] for error in errors] == ["mine.pool.kind", "mine.latent.size"]


@pytest.mark.parametrize(
    ("search", "error"),
    [
        ("latent: {sizes: {choice: [2, 4]}}", "mine.search.latent.sizes: unknown option of gaussian 'sizes'; "),
        ("latent: {size: {int: [0, 4]}}", "mine.search.latent.size: must be at least 1, found 0"),
        (
            "latnt: {size: {int: [1, 4]}}",
            "mine.search.latnt: unknown component of a model 'latnt'; did you mean 'latent'?",
        ),
        ("decoder: {dropout: {float: [0.0, 1.0]}}", "mine.search.decoder.dropout: must be less than 1, found 1.0"),
        ("decoder: {inject: {choice: [[], [state]]}}", "mine.search.decoder.inject: the code must enter somewhere"),
        ("objective: {kl.z: {one_of: {liner: {}}}}", "mine.search.objective.kl.z.kind: unknown kind of schedule "),
        ("objective: {kl.w: {space: annealing}}", "mine.search.objective: this model has no term kl.w"),
        ("pool: {kind: {choice: [last, nowhere]}}", "mine.search.decoder.kind: with `pool: {kind: nowhere}`"),
    ],
)
def test_whatever_a_search_could_draw_is_judged_beforehand(tmp_path: Path, search: str, error: str) -> None:
    errors = refused(write(tmp_path / "mine.yaml", PAGE + f"search: {{{search}}}\n"))
    assert len(errors) == 1
    assert errors[0].startswith(error)


def test_merge_lays_settings_over_and_replaces_a_component_of_another_kind_whole() -> None:
    base = {"latent": {"kind": "gaussian", "size": 4}, "decoder": {"hidden": 8, "inject": ["state"]}}
    assert families.merge(base, {"latent": {"size": 9}})["latent"] == {"kind": "gaussian", "size": 9}
    assert families.merge(base, {"latent": {"kind": "gaussian", "size": 9}})["latent"]["size"] == 9
    assert families.merge(base, {"latent": {"kind": "vmf"}})["latent"] == {"kind": "vmf"}
    assert families.merge(base, {"decoder": {"inject": ["input"]}})["decoder"] == {"hidden": 8, "inject": ["input"]}
    assert families.merge(base, {"optimizer": {"lr": 1}})["optimizer"] == {"lr": 1}


def test_merge_shares_nothing_with_what_it_was_given() -> None:
    base, settings = {"decoder": {"inject": ["state"]}}, {"inputs": {"x": [1]}}
    merged = families.merge(base, settings)
    merged["decoder"]["inject"].append("input")
    merged["inputs"]["x"].append(2)
    assert (base, settings) == ({"decoder": {"inject": ["state"]}}, {"inputs": {"x": [1]}})


def hyperparameters(family: Family) -> set[str]:
    return {name for name, _ in space.hyperparameters(family.search)}


def test_an_override_fixes_what_it_sets() -> None:
    family = families.load("seqvae")
    changed = family.override({"latent": {"size": 5}, "decoder": {"dropout": 0.1}})
    assert changed.base["latent"] == {"kind": "gaussian", "size": 5}
    assert hyperparameters(family) - hyperparameters(changed) == {"latent.size", "decoder.dropout"}
    assert families.load("seqvae") == family


def test_an_override_with_a_kind_replaces_the_component_and_its_search() -> None:
    changed = families.load("vmf").override({"latent": {"kind": "gaussian", "size": 5}})
    assert changed.base["latent"] == {"kind": "gaussian", "size": 5}
    assert not any(name.startswith("latent") for name in hyperparameters(changed))
    fixed = families.load("seqvae").override({"objective": {"kl.z": {"kind": "constant", "value": 0.5}}})
    assert fixed.configure({})["objective"] == {"kl.z": {"kind": "constant", "value": 0.5}}
    assert not any(name.startswith("objective") for name in hyperparameters(fixed))


@pytest.mark.parametrize(
    ("name", "override", "place"),
    [
        ("seqvae", {"encoder": {"heads": 2}}, "encoder"),  # its encoder has no heads
        ("lstm_lm", {"encoder": {"hidden": 8}}, "encoder"),
        ("lstm_lm", {"objective": {"kl.z": {"kind": "constant"}}}, "objective"),
    ],
)
def test_an_override_is_laid_only_where_there_is_a_place(name: str, override: Any, place: str) -> None:
    family = families.load(name)
    assert family.override(override).base.get(place) == family.base.get(place)
    assert not families.has_place(family.base, place, next(iter(override[place])))


def test_options_that_a_page_does_not_mention_have_a_place_too() -> None:
    base = families.load("seqvae").base
    assert families.has_place(base, "latent", "initial_scale")
    assert families.has_place(base, "updates", "kind")
    assert not families.has_place(base, "latents", "size")


@pytest.mark.parametrize(
    "search",
    [
        "latent: {size: {float: [4, 32]}}",
        "objective: {kl.z: {space: annealing, vlaue: {float: [0.1, 1.0]}}}",
        "objective: {kl.z: {one_of: {constant: {}}, valeu: {float: [0.1, 1.0]}}}",
        "latent: {prior_scale: {float: [0.1, 1.0], log: maybe}}",
        "encoder: {dropout: {float: [0.0, 0.5], log: 0}}",
    ],
)
def test_searches_that_would_be_misread_are_refused(tmp_path: Path, search: str) -> None:
    assert refused(write(tmp_path / "mine.yaml", PAGE + f"search: {{{search}}}\n"))


@pytest.mark.parametrize("base", ["base: 5\n", "base: abc\n", "base: [encoder]\n"])
def test_a_base_is_a_mapping(tmp_path: Path, base: str) -> None:
    (error,) = refused(write(tmp_path / "mine.yaml", f"title: A\npaper: B\n{base}"))
    assert "base" in error


@pytest.mark.parametrize(
    "search",
    [
        "latent: {kind: {choice: [gaussian, vmf]}, size: {choice: [8, 16]}}",
        "latent: {kind: vmf, kappa: {float: [5.0, 50.0]}}",
        "objective: {kl.z: {one_of: {constant: , linear: {span: {float: [0.1, 0.5]}}}}}",
    ],
)
def test_sound_searches_are_accepted(tmp_path: Path, search: str) -> None:
    assert families.load(str(write(tmp_path / "mine.yaml", PAGE + f"search: {{{search}}}\n"))).search


def test_an_override_of_a_weight_fixes_the_weight() -> None:
    family = families.load("seqvae").override({"objective": {"kl.z": {"value": 0.5}}})
    drawn = [family.configure(settings)["objective"]["kl.z"]["value"] for settings in space.corners(family.search)]
    assert set(drawn) == {0.5}


def test_naming_the_kind_that_a_slot_has_anyway_replaces_nothing() -> None:
    assert (
        families.merge({"inputs": {"size": 9}}, {"inputs": {"kind": "embedded", "dropout": 0.1}})["inputs"]["size"] == 9
    )
