"""Every constraint fires on a minimal offence and on no page."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.models import changed
from uncollapse.models.configuration import constraints, resolve
from uncollapse.search_spaces import space
from uncollapse.study.config import families

PLAIN = resolve.resolve(
    {
        "encoder": {"kind": "recurrent"},
        "pool": {"kind": "last"},
        "latent": {"kind": "gaussian"},
        "decoder": {"kind": "recurrent"},
        "objective": {"kl.z": {"kind": "constant"}},
    }
)
ATTENDING = {"kind": "transformer", "hidden": 8, "heads": 2}
WEIGHT = {"kind": "constant", "value": 1.0}
OFFENCES: dict[str, tuple[dict[str, Any], str]] = {
    "heads_divide": ({"decoder": ATTENDING | {"heads": 3}}, "decoder.hidden: "),
    "tokens_need_attention": ({"pool": {"kind": "nowhere"}}, "decoder.kind: "),
    "states_run_forward": (
        {"encoder": {"features": "states", "bidirectional": True}, "pool": {"kind": "max"}},
        "encoder.features: ",
    ),
    "both_directions_are_read_to_their_end": ({"pool": {"kind": "ends"}}, "pool.kind: "),
    "code_enters": ({"decoder": {"inject": []}}, "decoder.inject: "),
    "encoder_feeds_latent": ({"encoder": {"kind": "none"}}, "encoder.kind: "),
    "inputless_dropout": ({"inputs": {"words": False, "word_dropout": 0.1}}, "inputs.word_dropout: "),
    "every_kl_is_weighed": ({"latent": {"kind": "spike_slab"}}, "objective: every latent variable needs a weight"),
    "penalties_are_of_sentences": (
        {"pool": {"kind": "nowhere"}, "decoder": ATTENDING, "objective": {"kl.z": WEIGHT, "l1": WEIGHT}},
        "objective.l1: ",
    ),
    "normalisation_sees_no_padding": (
        {"pool": {"at": "latents"}, "latent": {"kind": "planar_flow", "batch_norm": True}},
        "latent.batch_norm: ",
    ),
    "updates_fit_the_latent": ({"updates": {"kind": "adversarial"}}, "updates.kind: "),
    "separate_updates_share_nothing": ({"updates": {"kind": "aggressive"}}, "inputs.shared: "),
    "separate_updates_have_two_sides": (
        {"latent": {"kind": "none"}, "updates": {"kind": "alternating"}, "inputs": {"shared": False}, "objective": {}},
        "updates.kind: ",
    ),
    "score_functions_have_no_floor": (
        {
            "latent": {"kind": "autoregressive_bernoulli"},
            "updates": {"kind": "score_function"},
            "objective": {"kl.z": WEIGHT | {"floor": 1.0}},
        },
        "objective.kl.z.floor: ",
    ),
    "target_is_within_reach": ({"latent": {"kind": "vmf", "size": 8, "target_kl": 40.0}}, "latent.target_kl: "),
    "concentrations_are_in_order": (
        {"latent": {"kind": "vmf_learned", "kappa_min": 9.0, "initial_kappa": 5.0}},
        "latent.initial_kappa: ",
    ),
    "noise_fills_the_code": (
        {"latent": {"kind": "implicit", "size": 8, "noise": 4}, "updates": {"kind": "adversarial"}},
        "latent.noise: ",
    ),
    "a_dual_is_no_kl": (
        {"latent": {"kind": "implicit", "generator": "mlp"}, "updates": {"kind": "adversarial"}},
        "objective.kl.z: ",
    ),
    "labels_have_no_code": ({"decoder": {"kind": "classifier"}}, "latent.kind: "),
    "terms_exist": ({"objective": {"kl.w": WEIGHT}}, "objective: this model has no term kl.w; its terms are kl.z"),
}
INNOCENTS: dict[str, dict[str, Any]] = {
    "attention over tokens": {"pool": {"kind": "nowhere"}, "decoder": ATTENDING},
    "attention to one code": {"decoder": ATTENDING},
    "average over steps": {"pool": {"at": "latents"}, "objective": {"kl_mean.z": WEIGHT}},
    "states of one direction": {"encoder": {"features": "states"}},
    "code at the output": {"decoder": {"inject": ["output"]}},
    "two directions, each to its end": {"encoder": {"bidirectional": True}, "pool": {"kind": "ends"}},
    "inputless": {"inputs": {"words": False}},
    "two variables": {"latent": {"kind": "spike_slab"}, "objective": {"kl.gamma": WEIGHT}},
}


def resolved(changes: dict[str, Any]) -> dict[str, Any]:
    base = dict(PLAIN) | ({"objective": {}} if changes.get("objective") == {} else {})
    return resolve.resolve(changed(base, **changes))


def test_every_constraint_has_an_offence_here() -> None:
    assert {constraint.__name__ for constraint in constraints.CONSTRAINTS} == set(OFFENCES)


@pytest.mark.parametrize("constraint", constraints.CONSTRAINTS, ids=lambda constraint: constraint.__name__)
def test_the_constraint_fires_alone_on_its_offence(
    constraint: Callable[[constraints.Configuration], str | None],
) -> None:
    changes, sentence = OFFENCES[constraint.__name__]
    (found,) = constraints.broken(resolved(changes))
    assert found == constraint(resolved(changes))
    assert found.startswith(sentence)


@pytest.mark.parametrize("name", INNOCENTS)
def test_no_constraint_fires_on_what_is_sound(name: str) -> None:
    assert constraints.broken(resolved(INNOCENTS[name])) == []


def test_a_language_model_needs_neither_encoder_nor_weights() -> None:
    bare = resolved({"latent": {"kind": "none"}, "encoder": {"kind": "none"}, "decoder": {"inject": []}})
    assert constraints.broken(bare | {"objective": {}}) == []


def test_an_average_over_steps_needs_steps() -> None:
    (found,) = constraints.broken(resolved({"objective": {"kl_mean.z": WEIGHT}}))
    assert found.startswith("objective: this model has no term kl_mean.z")


def test_offences_are_told_together() -> None:
    changes = {"decoder": {"inject": []}, "encoder": {"features": "states", "bidirectional": True}}
    assert len(constraints.broken(resolved(changes))) == 3


@pytest.mark.parametrize("name", families.names())
def test_no_page_breaks_a_constraint_at_any_corner_of_its_search(name: str) -> None:
    family = families.load(name)
    settings = [{}, *(space.corners(family.search) if family.search else ())]
    assert [constraints.broken(family.configure(one)) for one in settings] == [[] for _ in settings]
