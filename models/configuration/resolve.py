"""From a page's settings to a complete configuration, or all its errors at once. Free of torch."""

from collections.abc import Mapping
from typing import Any

from uncollapse.models.configuration import components, constraints
from uncollapse.models.configuration.terms import FLOOR, schedule_of
from uncollapse.models.configuration.unknown_name import unknown

MODEL_SLOTS = ("inputs", "encoder", "pool", "latent", "decoder")
SLOTS = (*MODEL_SLOTS, "objective", "optimizer", "updates")
OPTIONAL = {"inputs": {}, "optimizer": {"kind": "adam"}, "updates": {"kind": "joint"}, "objective": {}}


def errors(settings: Mapping[str, Any], place: str = "") -> list[str]:
    """Every error of a configuration; an empty list means that `resolve` and `TextVAE` accept it."""
    prefix = f"{place}." if place else ""
    found = [
        f"{prefix}{name}: {unknown('component of a model', name, SLOTS)}" for name in settings if name not in SLOTS
    ]
    for slot in SLOTS:
        if slot not in settings and slot not in OPTIONAL:
            found.append(f"{prefix}{slot}: every model has this component; add `{slot}: {{kind: ...}}`")
        elif slot in settings:
            found += _slot_errors(slot, settings[slot], prefix + slot)
    if found:
        return found
    return [prefix + sentence for sentence in constraints.broken(resolve(settings))]


def _slot_errors(slot: str, settings: Any, place: str) -> list[str]:
    if slot != "objective":
        return components.errors(slot, settings, place)
    if not isinstance(settings, Mapping):
        return [
            f"{place}: an objective maps terms to schedules, such as {{kl.z: {{kind: constant}}}}, found {settings!r}"
        ]
    return [error for term, given in settings.items() for error in _term_errors(given, f"{place}.{term}")]


def _term_errors(given: Any, place: str) -> list[str]:
    if not isinstance(given, Mapping):
        return components.errors("schedule", given, place)
    error = FLOOR.error(given.get(FLOOR.name, FLOOR.default))
    found = [] if error is None else [f"{place}.{FLOOR.name}: {error}, found {given[FLOOR.name]!r}"]
    return found + components.errors("schedule", schedule_of(given), place)


def _resolve_term(given: Mapping[str, Any]) -> dict[str, Any]:
    floor = {FLOOR.name: float(given[FLOOR.name])} if FLOOR.name in given else {}
    return {**components.resolve("schedule", schedule_of(given)), **floor}


def resolve(settings: Mapping[str, Any]) -> dict[str, Any]:
    """A complete configuration: every component with every default written out."""
    complete: dict[str, Any] = {}
    for slot in SLOTS:
        given = settings.get(slot, OPTIONAL.get(slot))
        assert given is not None, slot
        if slot == "objective":
            complete[slot] = {term: _resolve_term(settings) for term, settings in given.items()}
        else:
            complete[slot] = components.resolve(slot, given)
    return complete


def chosen_components(configuration: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    """The (slot, kind) of every component that a resolved configuration names, schedules of its terms included."""
    terms = configuration["objective"].values()
    return frozenset({(slot, configuration[slot]["kind"]) for slot in SLOTS if slot != "objective"}) | {
        ("schedule", term["kind"]) for term in terms
    }
