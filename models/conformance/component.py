"""The checks of any component, ours or of another package, by its slot."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from uncollapse.models.configuration import components, resolve
from uncollapse.models.conformance import decoder, encoder, inputs, latent, optimizer, pool, schedule, updates
from uncollapse.models.conformance.failure import Result, failure, name_of
from uncollapse.models.conformance.small import CORPUS_INFO, SMALL
from uncollapse.models.conformance.variants import name, small, variants
from uncollapse.models.objective import Objective
from uncollapse.models.optimizers._base import Optimization
from uncollapse.models.text_vae import TextVAE
from uncollapse.models.updates._base import Update

UPDATES = 100
Settings = Mapping[str, Any]


class Slot(NamedTuple):
    """How the checks of a slot make a component of settings, and the checks."""

    make: Callable[[Settings], Callable[..., Any]]
    checks: tuple[Callable[[Any], None], ...]


def _wired(slot: str, *wiring: Any) -> Callable[[Settings], Callable[..., Any]]:
    """How to make a component between these sizes; what a check adds stands after them."""
    return lambda settings: partial(components.build, slot, settings, *wiring)


def _rule(settings: Settings) -> Callable[[], Update]:
    return partial(update_rule, settings)


def update_rule(settings: Settings) -> Update:
    """An update rule over a small model that it can train."""
    needs = components.attribute("updates", settings["kind"], "needs", ())
    kind = needs[0] if needs else "gaussian"
    variables = components.attribute("latent", kind, "variables")
    terms = components.attribute("latent", kind, "charges", ()) or [f"kl.{variable}" for variable in variables]
    base = {
        "inputs": {"size": 12, "shared": False},
        "encoder": {"kind": "recurrent", "hidden": SMALL["encoder"]["hidden"]},
        "pool": {"kind": "last"},
        "latent": {"kind": kind, **SMALL["latent"]},
        "decoder": {"kind": "recurrent", "hidden": SMALL["decoder"]["hidden"]},
        "objective": {term: {"kind": "constant"} for term in terms},
        "optimizer": {"kind": "adam", "lr": 0.01},
    }
    complete = resolve.resolve(base)
    model = TextVAE(complete, CORPUS_INFO)
    moves: Optimization = components.build("optimizer", complete["optimizer"], model, UPDATES)
    rule: Update = components.build("updates", settings, model, Objective(complete["objective"], UPDATES), moves)
    return rule


SLOTS: Mapping[str, Slot] = {
    "inputs": Slot(_wired("inputs", CORPUS_INFO), inputs.EVERY),
    "encoder": Slot(_wired("encoder", encoder.EMBEDDING, CORPUS_INFO), encoder.EVERY),
    "pool": Slot(_wired("pool", pool.FEATURES), pool.EVERY),
    "latent": Slot(_wired("latent", latent.FEATURES), latent.EVERY),
    "decoder": Slot(_wired("decoder", decoder.EMBEDDING, decoder.CODE), decoder.EVERY),
    "schedule": Slot(_wired("schedule"), schedule.EVERY),
    "optimizer": Slot(
        lambda settings: lambda model: components.build("optimizer", settings, model, UPDATES), optimizer.EVERY
    ),
    "updates": Slot(_rule, updates.EVERY),
}


def results(slot: str, kind: str, switched: bool = False) -> Iterator[Result]:
    """Every check of a component at a small size, one after another.

    Args:
        switched: under every combination of its switches too, where a quirk that a paper has may fail by design.
    """
    make, checks = SLOTS[slot]
    every = [small(slot, kind), *(variants(slot, kind) if switched else ())]
    for check in checks:
        told = ((settings, failure(partial(check, make(settings)))) for settings in every)
        first = next(((settings, why) for settings, why in told if why is not None), None)
        yield Result(name_of(check), None if first is None else _named(*first, many=len(every) > 1))


def _named(settings: dict[str, Any], why: str, many: bool) -> str:
    return f"{why} (of {name(settings)})" if many else why


def slot_of(found: object) -> str | None:
    """The slot that an imported component is made for, by what it has; None where that does not tell."""
    if not isinstance(found, type):
        return "schedule"
    for slot, base in (("updates", Update), ("optimizer", Optimization)):
        if issubclass(found, base):
            return slot
    marks = {"latent": "prior_sample", "decoder": "predicts", "encoder": "reads_tokens", "inputs": "for_encoder"}
    marked = next((slot for slot, mark in marks.items() if hasattr(found, mark)), None)
    return marked or ("pool" if hasattr(found, "at") else None)
