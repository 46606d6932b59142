"""What may stand beside a type in a section's annotation, and how an annotated type reads in plain words."""

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from uncollapse.models.configuration.bounds import Bound, figure

PLAIN: Mapping[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a word",
    Any: "anything",
}
UNBOUNDED = Bound()


@dataclass(frozen=True)
class Help:
    """What a key means, in one line."""

    text: str


@dataclass(frozen=True)
class Rule:
    """What a type cannot say of its values.

    Args:
        words: the values in plain words, in place of the type's own.
        judge: what is wrong with a value, as the rest of a sentence that names what was found, or None; where there
            is no judge, the type decides.
        remedy: ends the sentence about a value that the type refuses.
    """

    words: str
    judge: Callable[[Any], str | None] | None = None
    remedy: str = ""


def base(annotation: Any) -> Any:
    """The type without what stands beside it."""
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def marks(annotation: Any) -> tuple[Any, ...]:
    """What stands beside a type: bounds, rules and help."""
    return get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()


def bounds(annotation: Any) -> tuple[Bound, ...]:
    """The bound of an annotated number, if it has one."""
    return tuple(mark for mark in marks(annotation) if isinstance(mark, Bound))[:1]


def without(annotation: Any, kind: type) -> Any:
    """An annotated type without one kind of mark."""
    kept = tuple(mark for mark in marks(annotation) if not isinstance(mark, kind))
    return Annotated[(base(annotation), *kept)] if kept else base(annotation)


def rule(annotation: Any) -> Rule | None:
    """The rule of an annotated type."""
    return next((mark for mark in marks(annotation) if isinstance(mark, Rule)), None)


def members(annotation: Any) -> tuple[Any, ...]:
    """The types of a union without None; of any other type, itself."""
    if get_origin(annotation) not in (Union, UnionType):
        return (annotation,)
    return tuple(member for member in get_args(annotation) if member is not NoneType)


def in_words(annotation: Any) -> str:
    """An annotated type in plain words, such as "a whole number from 1"."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if (said := rule(annotation)) is not None:
        return said.words
    if origin is Annotated:
        return _bounded(in_words(inner[0]), *bounds(annotation))
    if origin is Literal:
        return str(inner[0]) if len(inner) == 1 else f"one of {_listed(inner)}"
    if origin is tuple:
        return f"a list, each item {in_words(inner[0])}, none twice"
    if origin is list:
        return f"a list, each item {in_words(inner[0])}"
    if dataclasses.is_dataclass(annotation):
        return f"a mapping of {_listed(field.name for field in dataclasses.fields(annotation))}"
    if origin is Mapping:
        named = f"any of {_listed(get_args(inner[0]))}" if get_origin(inner[0]) is Literal else in_words(inner[0])
        return f"a mapping from {named} to {in_words(inner[1])}"
    return PLAIN.get(annotation) or ", or ".join(map(in_words, members(annotation)))


def _listed(names: Iterable[object]) -> str:
    return ", ".join(map(str, names))


def _bounded(number: str, bound: Bound = UNBOUNDED) -> str:
    low = f"{'above' if bound.low_open else 'from'} {figure(bound.low)}" if math.isfinite(bound.low) else ""
    upto = "and below" if bound.high_open else "and at most" if bound.low_open else "to"
    high = f"{upto} {figure(bound.high)}" if math.isfinite(bound.high) else ""
    return f"{number} {low} {high}".rstrip()
