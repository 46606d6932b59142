"""What the source of a component says of itself: its options and its literal attributes. Read and never run.

An annotation, and a default, may use what `models.configuration.bounds` offers (`Positive`, `Share`, `Size`, ...,
`Bound`, `Annotated`), `Literal`, and `int`, `float`, `bool`, `str` and `tuple`; nothing else has a meaning in a page.
"""

import ast
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from uncollapse.models.configuration import bounds
from uncollapse.models.configuration.option import REQUIRED, Option, judged
from uncollapse.models.configuration.unknown_name import unknown

NAMESPACE = {
    **{name: value for name, value in vars(bounds).items() if name[0].isupper()},
    **{kind.__name__: kind for kind in (int, float, bool, str, tuple)},
    "Literal": Literal,
    "typing": typing,
    "bounds": bounds,
}
PLAIN: tuple[type[ast.AST], ...] = (
    *(ast.Name, ast.Attribute, ast.Subscript, ast.Tuple, ast.List, ast.Constant, ast.UnaryOp, ast.Call),
    *(ast.keyword, ast.unaryop, ast.expr_context),
)
SEVERAL = ("variables", "penalties", "charges", "needs")  # literal attributes that constraints read, of several names
SINGLE = ("predicts", "at", "updates", "separate")
Definition = ast.ClassDef | ast.FunctionDef


@dataclass(frozen=True)
class Place:
    """Where a component is defined: its module, that module's file, and the class or function in it."""

    module: str
    file: Path
    name: str


@cache
def definitions(file: Path) -> dict[str, Definition]:
    """The public classes and functions of a file by name."""
    body = ast.parse(file.read_bytes(), str(file)).body
    return {node.name: node for node in body if isinstance(node, Definition) and not node.name.startswith("_")}


@cache
def options(place: Place) -> tuple[Option, ...]:
    """The hyperparameters of a component: the keyword-only arguments of its signature."""
    arguments = _signature(place).args
    return tuple(
        Option(argument.arg, _evaluate(argument.annotation), REQUIRED if default is None else _evaluate(default))
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    )


def attribute(place: Place, name: str) -> Any:
    """A literal class attribute; `REQUIRED` where the class does not set it."""
    for node in definitions(place.file)[place.name].body:
        if name in _assigned(node):
            assert isinstance(node, ast.Assign | ast.AnnAssign)
            assert node.value is not None
            return ast.literal_eval(node.value)
    return REQUIRED


def errors(place: Place, needed: str | None) -> list[str]:
    """Why a component of somebody else cannot be read as one of ours; `needed` is a literal attribute of its slot."""
    try:
        known = definitions(place.file)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        return [f"{place.file}{f', line {line}' if line else ''}: this is not Python that can be read ({error})"]
    if place.name not in known:
        return [unknown(f"class or function of {place.module}", place.name, known)]
    if _init(known[place.name]) is None:
        return [f"{place.name} takes its options in an `__init__` of its own, and {place.file} gives it none; add it"]
    return [*_signature_errors(place), *_attribute_errors(place, needed)]


def _attribute_errors(place: Place, needed: str | None) -> Iterator[str]:
    """Attributes that constraints read: the needed one is there, and each is a literal, of names where it holds
    several."""
    is_option = needed in {argument.arg for argument in _signature(place).args.kwonlyargs}
    for name in (*SEVERAL, *SINGLE):
        try:
            value = attribute(place, name)
        except ValueError:
            yield f"`{name}` of {place.name} is a literal, read without importing it; write it out"
            continue
        if value is REQUIRED and name == needed and not is_option:
            yield f"{place.name} says its `{name}` as a literal class attribute, read without importing it; add it"
        several = isinstance(value, tuple) and all(isinstance(one, str) for one in value)
        if name in SEVERAL and value is not REQUIRED and not several:
            yield f"`{name}` of {place.name} is a tuple of names such as ('z',), found {value!r}; write it so"


def _signature_errors(place: Place) -> Iterator[str]:
    arguments = _signature(place).args
    if arguments.args or arguments.vararg or arguments.kwarg:
        yield (
            f"the arguments of {place.name} are wiring left of `/` and options right of `*`, each by name; change its "
            "signature"
        )
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        what = f"option {argument.arg} of {place.name}"
        if not judged(annotation := _tried(argument.annotation)):
            said = "nothing" if argument.annotation is None else f"`{ast.unparse(argument.annotation)}`"
            yield (
                f"{what} is annotated as a page can be judged by: a type of `models.configuration.bounds` such as "
                f"Positive, a "
                f"Literal, int, float, bool, str or a tuple of one, found {said}"
            )
        elif default is not None and (error := _default_error(annotation, default)) is not None:
            yield f"the default of {what} {error}, found `{ast.unparse(default)}`"


def _default_error(annotation: Any, default: ast.expr) -> str | None:
    if (value := _tried(default)) is REQUIRED:
        return "is a plain value, written out"
    return Option("default", annotation, REQUIRED).error(value)


def _tried(expression: ast.expr | None) -> Any:
    """The value of an expression of somebody else; `REQUIRED` where it is none that may stand in a signature."""
    try:
        return REQUIRED if expression is None or not _is_plain(expression) else _evaluate(expression)
    except Exception:  # whatever a plain expression raises, such as an index into a number
        return REQUIRED


def _is_plain(expression: ast.expr) -> bool:
    """Whether an expression uses nothing but values and the names that are offered, none of which does anything."""
    nodes = list(ast.walk(expression))
    calls = [node.func for node in nodes if isinstance(node, ast.Call)]
    return (
        all(isinstance(node, PLAIN) for node in nodes)
        and all(node.id in NAMESPACE for node in nodes if isinstance(node, ast.Name))
        and all(isinstance(node.value, ast.Name) for node in nodes if isinstance(node, ast.Attribute))
        and all(isinstance(function, ast.Name) and function.id == "Bound" for function in calls)
    )


def _assigned(node: ast.stmt) -> list[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [target.id for target in targets if isinstance(target, ast.Name) and getattr(node, "value", None)]


def _init(node: Definition) -> ast.FunctionDef | None:
    if isinstance(node, ast.FunctionDef):
        return node
    return next((one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"), None)


def _signature(place: Place) -> ast.FunctionDef:
    found = _init(definitions(place.file)[place.name])
    assert found is not None, f"{place.file}: {place.name} has no signature"
    return found


def _evaluate(expression: ast.expr | None) -> Any:
    assert expression is not None, "every hyperparameter is annotated"
    assert _is_plain(expression), f"not of plain names and values: {ast.unparse(expression)}"
    return eval(compile(ast.Expression(expression), "<signature>", "eval"), {"__builtins__": {}, **NAMESPACE})
