"""Signatures read from source are the imported ones, and settings that do not fit are refused in sentences."""

import inspect
from typing import Any, get_args, get_origin

import pytest

from uncollapse.models.configuration import components
from uncollapse.models.configuration.bounds import Bound
from uncollapse.models.configuration.option import REQUIRED
from uncollapse.models.corpus_info import CorpusInfo

EVERY = [(slot, kind) for slot in components.SLOTS for kind in components.kinds(slot)]
every = pytest.mark.parametrize(("slot", "kind"), EVERY, ids=[f"{slot}-{kind}" for slot, kind in EVERY])


def test_folders_are_the_registry() -> None:
    assert components.kinds("pool") == ["abs", "attention", "avg", "ends", "last", "max", "nowhere"]
    assert all(components.kinds(slot) for slot in components.SLOTS)


@every
def test_the_source_says_what_the_constructor_says(slot: str, kind: str) -> None:
    signature = inspect.signature(components.load(slot, kind))
    keywords = {
        name: parameter.default
        for name, parameter in signature.parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }
    read = {option.name: option.default for option in components.options(slot, kind)}
    expected = {name: REQUIRED if default is inspect.Parameter.empty else default for name, default in keywords.items()}
    assert read == expected
    assert list(read) == list(keywords)


@every
def test_wiring_is_left_of_the_slash_and_hyperparameters_right_of_the_star(slot: str, kind: str) -> None:
    parameters = inspect.signature(components.load(slot, kind)).parameters.values()
    assert {parameter.kind for parameter in parameters} <= {
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.KEYWORD_ONLY,
    }


@every
def test_annotations_are_those_of_the_imported_constructor(slot: str, kind: str) -> None:
    component = components.load(slot, kind)
    known = inspect.get_annotations(component.__init__ if inspect.isclass(component) else component, eval_str=True)
    assert {option.name: option.annotation for option in components.options(slot, kind)} == {
        option.name: known[option.name] for option in components.options(slot, kind)
    }


@every
def test_defaults_are_allowed_and_resolve_to_themselves(slot: str, kind: str) -> None:
    resolved = components.resolve(slot, {"kind": kind})
    assert components.errors(slot, resolved, slot) == []
    assert components.resolve(slot, resolved) == resolved


@every
def test_every_component_says_what_it_is(slot: str, kind: str) -> None:
    said = components.load(slot, kind).__doc__ or ""
    assert said.split("\n")[0].endswith((".", ":", ","))


@every
def test_every_bounded_option_refuses_what_lies_outside(slot: str, kind: str) -> None:
    for option in components.options(slot, kind):
        bound = next((extra for extra in get_args(option.annotation)[1:] if isinstance(extra, Bound)), None)
        if bound is not None:
            outside = int(bound.low) - 1
            (error,) = components.errors(slot, {"kind": kind, option.name: outside}, "here")
            assert error.startswith(f"here.{option.name}: must be ")
            assert str(outside) in error


@every
def test_every_option_refuses_a_value_of_another_type(slot: str, kind: str) -> None:
    for option in components.options(slot, kind):
        of_words = get_origin(option.annotation) is tuple or option.annotation is str
        wrong: Any = {"state": 1} if of_words else "a stranger"
        (error,) = components.errors(slot, {"kind": kind, option.name: wrong}, "here")
        assert error.startswith(f"here.{option.name}: must be ")
        assert repr(wrong) in error


@pytest.mark.parametrize(
    ("slot", "settings", "error"),
    [
        ("latent", {"kind": "vfm"}, "p.kind: unknown kind of latent 'vfm'; did you mean 'vmf'? known: "),
        ("latent", {"kind": ["vmf"]}, "p.kind: unknown kind of latent"),
        ("latent", {}, "p: a component names its kind; add `kind:`, one of "),
        (
            "latent",
            "vmf",
            f"p: a component is a mapping such as {{kind: {components.kinds('latent')[0]}}}, found 'vmf'",
        ),
        ("latent", None, f"p: a component is a mapping such as {{kind: {components.kinds('latent')[0]}}}, found None"),
        ("latent", {"kind": "vmf", "kapa": 3}, "p.kapa: unknown option of vmf 'kapa'; did you mean 'kappa'? known: "),
        ("latent", {"kind": "vmf", 3: 3}, "p.3: unknown option of vmf '3'; known: "),
        ("latent", {"kind": "vmf", "kappa": -1}, "p.kappa: must be at least 0.001, found -1"),
        ("latent", {"kind": "vmf", "kappa": float("nan")}, "p.kappa: must be a finite number, found nan"),
        ("latent", {"kind": "vmf", "kappa": "80"}, "p.kappa: must be a number, found '80'"),
        ("latent", {"kind": "vmf", "kappa": True}, "p.kappa: must be a number, found True"),
        ("latent", {"kind": "vmf", "size": 8.0}, "p.size: must be a whole number, found 8.0"),
        ("latent", {"kind": "vmf", "size": True}, "p.size: must be a whole number, found True"),
        ("latent", {"kind": "vmf", "size": 1}, "p.size: must be at least 2, found 1"),
        ("inputs", {"words": 1}, "p.words: must be true or false, found 1"),
        ("decoder", {"kind": "recurrent", "cell": "rnn"}, "p.cell: must be one of lstm, gru, found 'rnn'"),
        ("decoder", {"kind": "recurrent", "inject": "state"}, "p.inject: must be a list, found 'state'"),
        ("decoder", {"kind": "recurrent", "inject": ["stat"]}, "p.inject: each item must be one of state, "),
        ("decoder", {"kind": "recurrent", "inject": ["input"] * 2}, "p.inject: must not name anything twice"),
    ],
)
def test_errors_name_place_constraint_offence_and_remedy(slot: str, settings: Any, error: str) -> None:
    (found,) = components.errors(slot, settings, "p")
    assert found.startswith(error)


def test_all_errors_of_a_component_are_found_at_once() -> None:
    settings = {"kind": "recurrent", "hidden": 0, "cell": "rnn", "hiden": 3, "dropout": 1.0}
    assert [error.split(":")[0] for error in components.errors("decoder", settings, "decoder")] == [
        "decoder.hidden",
        "decoder.cell",
        "decoder.hiden",
        "decoder.dropout",
    ]


def test_a_slot_with_one_component_needs_no_kind() -> None:
    assert components.errors("inputs", {}, "inputs") == []
    assert components.resolve("inputs", {"size": 7})["kind"] == "embedded"


def test_given_settings_win_over_defaults_and_build_sees_them() -> None:
    resolved = components.resolve("encoder", {"kind": "recurrent", "hidden": 9})
    assert resolved == {
        "kind": "recurrent",
        "cell": "lstm",
        "hidden": 9,
        "layers": 1,
        "bidirectional": False,
        "dropout": 0.0,
        "features": "outputs",
    }
    assert components.build("encoder", resolved, 5, CorpusInfo(9)).rnn.hidden_size == 9


@pytest.mark.parametrize("kind", components.kinds("pool"))
def test_where_a_pool_stands_is_read_without_importing_it(kind: str) -> None:
    built = components.build("pool", components.resolve("pool", {"kind": kind}), 5)
    read = {option.name: option.default for option in components.options("pool", kind)}
    assert built.at == (read["at"] if "at" in read else components.attribute("pool", kind, "at"))


@pytest.mark.parametrize("kind", components.kinds("latent"))
def test_variables_are_read_without_importing_them(kind: str) -> None:
    assert components.attribute("latent", kind, "variables") == components.load("latent", kind).variables
