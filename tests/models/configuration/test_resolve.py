"""Configurations: completed, or refused with every error at once."""

import json
import subprocess
import sys
from typing import Any

import pytest

from uncollapse.models.configuration import resolve

PAGE: dict[str, Any] = {
    "encoder": {"kind": "recurrent"},
    "pool": {"kind": "last"},
    "latent": {"kind": "gaussian"},
    "decoder": {"kind": "recurrent"},
    "objective": {"kl.z": {"kind": "constant"}},
}


def test_a_complete_configuration_has_every_slot_and_every_default() -> None:
    complete = resolve.resolve(PAGE)
    assert list(complete) == list(resolve.SLOTS)
    assert complete["optimizer"]["kind"] == "adam"
    assert complete["updates"] == {"kind": "joint", "sentences": "mean", "reconstruction": "sum"}
    assert complete["objective"] == {"kl.z": {"kind": "constant", "value": 1.0}}
    assert complete["latent"]["prior_scale"] == 1.0


def test_resolving_twice_or_through_a_file_changes_nothing() -> None:
    complete = resolve.resolve(PAGE)
    assert resolve.resolve(complete) == complete
    again = resolve.resolve(json.loads(json.dumps(complete)))
    assert json.dumps(again) == json.dumps(complete)
    assert resolve.errors(again) == []


def test_the_page_is_left_as_it_was() -> None:
    before = json.dumps(PAGE)
    resolve.resolve(PAGE)
    assert json.dumps(PAGE) == before


@pytest.mark.parametrize("slot", ["encoder", "pool", "latent", "decoder"])
def test_every_model_has_these_components(slot: str) -> None:
    without = {name: component for name, component in PAGE.items() if name != slot}
    assert resolve.errors(without, "mine") == [
        f"mine.{slot}: every model has this component; add `{slot}: {{kind: ...}}`"
    ]


def test_a_stranger_is_named_with_a_guess() -> None:
    (error,) = resolve.errors(PAGE | {"encodr": {}}, "mine")
    assert error.startswith(
        "mine.encodr: unknown component of a model 'encodr'; did you mean 'encoder'? known: decoder, "
    )


@pytest.mark.parametrize("objective", [None, "kl.z", ["kl.z"], 3])
def test_an_objective_is_a_mapping(objective: object) -> None:
    (error,) = resolve.errors(PAGE | {"objective": objective})
    assert error.startswith("objective: an objective maps terms to schedules")
    assert error.endswith(f"found {objective!r}")


def test_all_errors_are_told_at_once() -> None:
    page = {
        "encoder": {"kind": "recurent"},
        "latent": {"kind": "gaussian", "size": 0},
        "decoder": None,
        "objective": {"kl.z": {"kind": "liner"}, "kl.w": {"kind": "linear", "span": 0}},
        "optimiser": {},
    }
    places = [error.split(": ")[0] for error in resolve.errors(page)]
    assert places == [
        "optimiser",
        "encoder.kind",
        "pool",
        "latent.size",
        "decoder",
        "objective.kl.z.kind",
        "objective.kl.w.span",
    ]


def test_constraints_are_applied_once_the_components_are_sound() -> None:
    (error,) = resolve.errors(PAGE | {"pool": {"kind": "nowhere"}}, "mine")
    assert error.startswith("mine.decoder.kind: with `pool: {kind: nowhere}`")


def test_a_model_without_weights_is_refused() -> None:
    without = {name: component for name, component in PAGE.items() if name != "objective"}
    (error,) = resolve.errors(without)
    assert error.startswith("objective: every latent variable needs a weight on its KL")
    assert error.endswith("add kl.z")


def test_a_page_is_judged_without_torch() -> None:
    code = (
        f"import sys; from uncollapse.models.configuration import resolve; resolve.resolve({PAGE!r}); "
        f"assert resolve.errors({PAGE!r}) == []; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_floor_belongs_to_a_term_and_not_to_its_schedule() -> None:
    floored = {**PAGE, "objective": {"kl.z": {"kind": "constant", "floor": 3}}}
    assert resolve.errors(floored) == []
    assert resolve.resolve(floored)["objective"]["kl.z"] == {"kind": "constant", "value": 1.0, "floor": 3.0}
    (error,) = resolve.errors({**PAGE, "objective": {"kl.z": {"kind": "constant", "floor": -1}}})
    assert error == "objective.kl.z.floor: must be at least 0, found -1"
