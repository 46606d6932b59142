"""Components: found by listing folders, configured by their signatures.

`kind: vmf` under `latent:` means the one public class of `models/latents/vmf.py`. Hyperparameters are the
keyword-only arguments of its signature; wiring is positional-only. Signatures are read from the source and not by
import, so that a page is listed, resolved and refused without loading torch.
"""

import ast
import importlib
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any, Literal, get_args, get_origin

from uncollapse.models.configuration import bounds
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
NAMESPACE = {**vars(bounds), "Literal": Literal, "typing": typing}
REQUIRED = SimpleNamespace(name="required")


@dataclass(frozen=True)
class Option:
    """One hyperparameter of a component: its name, its annotated type and its default."""

    name: str
    annotation: Any
    default: Any

    def error(self, value: object) -> str | None:
        """What is wrong with `value`, as the rest of a sentence, or None."""
        return _type_error(self.annotation, value)


def kinds(slot: str) -> list[str]:
    """Every component that can fill a slot, by listing the slot's folder."""
    return sorted(path.stem for path in (ROOT / SLOTS[slot]).glob("*.py") if not path.stem.startswith("_"))


@cache
def options(slot: str, kind: str) -> tuple[Option, ...]:
    """The hyperparameters of a component, read from its signature."""
    definition = _definition(slot, kind)
    arguments = definition.args
    return tuple(
        Option(argument.arg, _evaluate(argument.annotation), REQUIRED if default is None else _evaluate(default))
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    )


def errors(slot: str, settings: object, place: str) -> list[str]:
    """Every error of a component's settings; `place` is where they stand in the user's page."""
    if not isinstance(settings, Mapping):
        return [f"{place}: a component is a mapping such as {{kind: {kinds(slot)[0]}}}, found {settings!r}"]
    kind = settings.get("kind", _only_kind(slot))
    if kind is None:
        return [f"{place}: a component names its kind; add `kind:`, one of {', '.join(kinds(slot))}"]
    if kind not in kinds(slot):
        return [f"{place}.kind: {unknown(f'kind of {slot}', kind, kinds(slot))}"]
    return _option_errors(options(slot, kind), settings, place, kind)


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
    kind = settings.get("kind", _only_kind(slot))
    defaults = {option.name: option.default for option in options(slot, kind)}
    return {"kind": kind} | {name: settings.get(name, default) for name, default in defaults.items()}


def build(slot: str, settings: Mapping[str, Any], *wiring: Any) -> Any:
    """Construct a component from resolved settings; `wiring` fills its positional-only arguments."""
    constructor = load(slot, settings["kind"])
    return constructor(*wiring, **{name: value for name, value in settings.items() if name != "kind"})


def load(slot: str, kind: str) -> Callable[..., Any]:
    """Import a component's class or function."""
    module = importlib.import_module(f"uncollapse.models.{SLOTS[slot]}.{kind}")
    return getattr(module, _public_node(slot, kind).name)


def attribute(slot: str, kind: str, name: str, default: Any = REQUIRED) -> Any:
    """A literal class attribute of a component, read from its source; `default` where the component does not set it."""
    for node in _public_node(slot, kind).body:
        if isinstance(node, ast.Assign) and any(isinstance(to, ast.Name) and to.id == name for to in node.targets):
            return ast.literal_eval(node.value)
    assert default is not REQUIRED, f"models/{SLOTS[slot]}/{kind}.py: the class has no literal attribute {name}"
    return default


def _only_kind(slot: str) -> str | None:
    """A slot with a single component needs no kind."""
    return kinds(slot)[0] if len(kinds(slot)) == 1 else None


@cache
def _public_node(slot: str, kind: str) -> ast.ClassDef | ast.FunctionDef:
    source = (ROOT / SLOTS[slot] / f"{kind}.py").read_text(encoding="utf-8")
    wanted = kind.replace("_", "")
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name.replace("_", "").lower() == wanted:
            return node
    raise AssertionError(f"models/{SLOTS[slot]}/{kind}.py defines nothing named {kind}")


def _definition(slot: str, kind: str) -> ast.FunctionDef:
    node = _public_node(slot, kind)
    if isinstance(node, ast.FunctionDef):
        return node
    return next(item for item in node.body if isinstance(item, ast.FunctionDef) and item.name == "__init__")


def _evaluate(expression: ast.expr | None) -> Any:
    assert expression is not None, "every hyperparameter is annotated"
    return eval(compile(ast.Expression(expression), "<signature>", "eval"), dict(NAMESPACE))


def _type_error(annotation: Any, value: object) -> str | None:
    origin = get_origin(annotation)
    if origin is Annotated:
        base, bound = get_args(annotation)[:2]
        return _type_error(base, value) or bound.error(value)
    if origin is Literal:
        choices = get_args(annotation)
        return None if value in choices else f"must be one of {', '.join(map(str, choices))}"
    if origin is tuple:
        return _tuple_error(get_args(annotation)[0], value)
    if annotation is float:
        return None if isinstance(value, int | float) and not isinstance(value, bool) else "must be a number"
    if annotation is int:
        return None if isinstance(value, int) and not isinstance(value, bool) else "must be a whole number"
    if annotation is str:
        return None if isinstance(value, str) and value.strip() else "must be a word"
    assert annotation is bool, annotation
    return None if isinstance(value, bool) else "must be true or false"


def _tuple_error(item: Any, value: object) -> str | None:
    if not isinstance(value, list | tuple):
        return "must be a list"
    if len(set(map(str, value))) < len(value):
        return "must not name anything twice"
    return next((f"each item {error}" for element in value if (error := _type_error(item, element))), None)
