"""The keys of a section, read off its annotated dataclass, and every error of what a page gives for it.

Free of torch, ray and mlflow. Types: bool, int, float, str, Literal, bounded numbers, `X | Y`, mappings, other
sections; `tuple[X, ...]` is a list that names nothing twice, `list[X]` one that is not empty.
"""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from uncollapse.models.configuration import components
from uncollapse.models.configuration.unknown_name import closest, unknown
from uncollapse.study.validation.annotations import Help, Rule, base, bounds, in_words, marks, members, rule, without

T = TypeVar("T")


@dataclass(frozen=True)
class Key:
    """One key of a section.

    Args:
        name: as a page writes it.
        annotation: its type, with bound or rule.
        meaning: in one line.
        default: None where it is needed.
        needed: whether a page has to give it.
    """

    name: str
    annotation: Any
    meaning: str
    default: Any
    needed: bool


def keys(kind: type) -> tuple[Key, ...]:
    """Every key of a section, in the order of its dataclass."""
    hints = get_type_hints(kind, include_extras=True)
    return tuple(_key(field, hints[field.name]) for field in dataclasses.fields(kind))


def _key(field: "dataclasses.Field[Any]", hint: Any) -> Key:
    meaning = next((mark.text for mark in marks(hint) if isinstance(mark, Help)), "")
    make = field.default_factory
    default = field.default if make is dataclasses.MISSING else make()
    needed = default is dataclasses.MISSING
    return Key(field.name, without(hint, Help), meaning, None if needed else default, needed)


def section_errors(place: str, kind: type, given: object) -> list[str]:
    """Every error of one section of a page; `kind` is the dataclass that it becomes."""
    if not isinstance(given, Mapping):
        return [f"{place}: {in_words(kind)}, found {given!r}"]
    known = [key.name for key in keys(kind)]
    strange = [f"{place}.{key}: {unknown(f'key of {place}', key, known)}" for key in given if key not in known]
    return strange + key_errors(kind, given, place)


def key_errors(kind: type, given: Mapping[str, Any], place: str) -> list[str]:
    """Every error of the keys that a section knows; `place` is "" for the page itself."""
    found = []
    for key in keys(kind):
        where = f"{place}.{key.name}" if place else key.name
        if key.name in given:
            found += errors(key.annotation, given[key.name], where)
        elif key.needed:
            found.append(f"{where}: {in_words(key.annotation)}, found none; add `{key.name}:`, {key.meaning}")
    return found


def read(kind: type[T], given: Mapping[str, Any]) -> T:
    """The section that a page gives, with the default of every key that is absent or at error."""
    return kind(**{key.name: _value(key, given) for key in keys(kind)})


def _value(key: Key, given: Mapping[str, Any]) -> Any:
    value = given.get(key.name)
    if dataclasses.is_dataclass(key.annotation) and isinstance(value, Mapping):
        return read(key.annotation, value)  # type: ignore[arg-type]
    return value if key.name in given and not errors(key.annotation, value, key.name) else key.default


def errors(annotation: Any, value: object, place: str) -> list[str]:
    """Every error of a value of an annotated type, each behind its place."""
    said = rule(annotation)
    if said is None:
        return _type_errors(annotation, value, place)
    if said.judge is not None:
        error = said.judge(value)
        return [] if error is None else [f"{place}: {error}"]
    refused = _type_errors(without(annotation, Rule), value, place)
    return [f"{place}: {said.words}, found {value!r}{said.remedy or _remedy(annotation, value)}"] if refused else []


def _type_errors(annotation: Any, value: object, place: str) -> list[str]:
    origin = get_origin(annotation)
    if annotation is Any:
        return []
    if dataclasses.is_dataclass(annotation):
        return section_errors(place, annotation, value)  # type: ignore[arg-type]
    if origin in (Union, UnionType):
        return _union_errors(annotation, value, place)
    if origin is Mapping:
        return _mapping_errors(annotation, value, place)
    if origin is list:
        return _list_errors(annotation, value, place)
    error = components.Option(place, annotation, None).error(value)
    if error is not None and base(annotation) is int and any(one.high < math.inf for one in bounds(annotation)):
        error = f"must be {in_words(annotation)}"  # both ends at once
    return [] if error is None else [f"{place}: {error}, found {value!r}{_remedy(annotation, value)}"]


def _union_errors(annotation: Any, value: object, place: str) -> list[str]:
    if value is None and NoneType in get_args(annotation):
        return []
    tried = {member: errors(member, value, place) for member in members(annotation)}
    if not all(tried.values()):
        return []
    meant = [member for member in tried if (get_origin(member) is Mapping) == isinstance(value, Mapping)]
    if len(meant) == 1:
        return tried[meant[0]]
    return [f"{place}: must be {in_words(annotation)}, found {value!r}{_remedy(annotation, value)}"]


def _mapping_errors(annotation: Any, value: object, place: str) -> list[str]:
    named, kind = get_args(annotation)
    if not isinstance(value, Mapping):
        return [f"{place}: must be {in_words(annotation)}, found {value!r}"]
    known = get_args(named) if get_origin(named) is Literal else tuple(value)
    found = [f"{place}.{key}: {unknown(f'key of {place}', key, known)}" for key in value if key not in known]
    return found + [error for key in value if key in known for error in errors(kind, value[key], f"{place}.{key}")]


def _list_errors(annotation: Any, value: object, place: str) -> list[str]:
    if not isinstance(value, list | tuple) or not value:
        return [f"{place}: must be a list of at least one item, found {value!r}"]
    item = get_args(annotation)[0]
    return [error for number, one in enumerate(value, 1) for error in errors(item, one, f"{place}, item {number}")]


def _remedy(annotation: Any, value: object) -> str:
    """What to do about a value of another type; "" where the constraint says it."""
    bases = [base(member) for member in members(base(annotation))]
    choices = [choice for one in bases if get_origin(one) is Literal for choice in get_args(one)]
    if (meant := closest(value, choices)) is not None:
        return f"; did you mean {meant!r}?"
    if bool in bases:
        return "; write true or false without quotes"
    if isinstance(value, str):
        return "; write a number without quotes" if {int, float} & {*bases} else ""
    return "; put it in quotes if YAML reads it as something else" if str in bases else ""
