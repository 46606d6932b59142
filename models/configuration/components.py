"""Components: found by listing folders, configured by their signatures.

`kind: vmf` under `latent:` means the one public class of `models/latents/vmf.py`, `kind: package.module:Name` a class
of another package. Hyperparameters are the keyword-only arguments of its signature; wiring is positional-only.
Signatures are read from the source and not by import, so that a page is listed, resolved and refused without loading
torch.
"""

import importlib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from uncollapse.models.configuration import outside, signatures
from uncollapse.models.configuration.option import REQUIRED, Option
from uncollapse.models.configuration.signatures import Place
from uncollapse.models.configuration.unknown_name import unknown

ROOT = Path(__file__).parents[1]
SLOTS: Mapping[str, str] = {
    "inputs": "inputs",
    "encoder": "encoders",
    "pool": "pools",
    "latent": "latents",
    "decoder": "decoders",
    "optimizer": "optimizers",
    "updates": "updates",
    "schedule": "schedules",
}


def kinds(slot: str) -> list[str]:
    """Every component of ours that can fill a slot, by listing the slot's folder."""
    return list(_listed(slot))


@cache  # asked for by every component of every page
def _listed(slot: str) -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in (ROOT / SLOTS[slot]).glob("*.py") if not path.stem.startswith("_")))


@cache
def full_kind(slot: str, kind: str) -> str:
    """A kind by the name that means the same everywhere: one of ours, or `package.module:Name`."""
    if kind in kinds(slot):
        return kind
    (name,) = outside.names(slot, kind)
    return name


def options(slot: str, kind: str) -> tuple[Option, ...]:
    """The hyperparameters of a component, read from its signature."""
    return signatures.options(source_of(slot, kind))


def errors(slot: str, settings: object, place: str) -> list[str]:
    """Every error of a component's settings; `place` is where they stand in the user's page."""
    if not isinstance(settings, Mapping):
        return [f"{place}: a component is a mapping such as {{kind: {kinds(slot)[0]}}}, found {settings!r}"]
    kind = settings.get("kind", _only_kind(slot))
    if kind is None:
        return [f"{place}: a component names its kind; add `kind:`, one of {', '.join(kinds(slot))}"]
    if found := kind_errors(slot, kind):
        return [f"{place}.kind: {error}" for error in found]
    return _option_errors(options(slot, kind), settings, place, kind)


def kind_errors(slot: str, kind: object) -> list[str]:
    """Why a kind cannot fill a slot, each as the rest of a sentence after its place."""
    if kind in kinds(slot):
        return []
    names = outside.names(slot, kind)
    if len(names) > 1:
        return [f"several packages register a {slot} {kind!r}; name one of {', '.join(names)}"]
    if names:
        return outside.errors(slot, names[0])
    known = [*kinds(slot), *(one.kind for one in outside.registered() if one.slot == slot)]
    return [f"{unknown(f'kind of {slot}', kind, known)}; or `package.module:Name`"]


def _option_errors(known: tuple[Option, ...], settings: Mapping[str, Any], place: str, kind: str) -> list[str]:
    by_name = {option.name: option for option in known}
    found = []
    for name, value in settings.items():
        if name == "kind":
            continue
        if name not in by_name:
            found.append(f"{place}.{name}: {unknown(f'option of {kind}', name, by_name)}")
        elif (error := by_name[name].error(value)) is not None:
            found.append(f"{place}.{name}: {error}, found {value!r}")
    missing = [option.name for option in known if option.default is REQUIRED and option.name not in settings]
    return found + [f"{place}.{name}: {kind} needs this option; add it" for name in missing]


def resolve(slot: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with every default written out, in the order of the signature."""
    kind = full_kind(slot, settings.get("kind", _only_kind(slot)))
    defaults = {option.name: option.default for option in options(slot, kind)}
    return {"kind": kind} | {name: settings.get(name, default) for name, default in defaults.items()}


def build(slot: str, settings: Mapping[str, Any], *wiring: Any) -> Any:
    """Construct a component from resolved settings; `wiring` fills its positional-only arguments."""
    constructor = load(slot, settings["kind"])
    return constructor(*wiring, **{name: value for name, value in settings.items() if name != "kind"})


def load(slot: str, kind: str) -> Callable[..., Any]:
    """Import a component's class or function."""
    if ":" in full_kind(slot, kind):
        return outside.load(full_kind(slot, kind))
    found: Callable[..., Any] = getattr(importlib.import_module(module_of(slot, kind)), source_of(slot, kind).name)
    return found


def module_of(slot: str, kind: str) -> str:
    """The module that defines a component."""
    return source_of(slot, kind).module


def attribute(slot: str, kind: str, name: str, default: Any = REQUIRED) -> Any:
    """A literal class attribute of a component, read from its source; `default` where the component does not set it."""
    found = signatures.attribute(source_of(slot, kind), name)
    found = default if found is REQUIRED else found
    assert found is not REQUIRED, f"{source_of(slot, kind).file}: the class has no literal attribute {name}"
    return found


def _only_kind(slot: str) -> str | None:
    """A slot with a single component needs no kind."""
    return kinds(slot)[0] if len(kinds(slot)) == 1 else None


@cache
def source_of(slot: str, kind: str) -> Place:
    """Where the source of a component lies."""
    if ":" in (name := full_kind(slot, kind)):
        return outside.place_of(name)
    file, wanted = ROOT / SLOTS[slot] / f"{kind}.py", kind.replace("_", "")
    found = next((one for one in signatures.definitions(file) if one.replace("_", "").lower() == wanted), None)
    assert found is not None, f"{file} defines nothing named {kind}"
    return Place(f"uncollapse.models.{SLOTS[slot]}.{kind}", file, found)
