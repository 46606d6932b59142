"""Annotated types as JSON schema, draft 2020-12."""

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from uncollapse.models.configuration.bounds import Bound
from uncollapse.study.validation.annotations import UNBOUNDED, base, bounds, marks
from uncollapse.study.validation.keys import Key, keys

Schema = dict[str, Any]
PLAIN: Mapping[Any, Schema] = {
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string", "pattern": r"\S"},
    NoneType: {"type": "null"},
    Any: {},
}


def section(kind: type) -> Schema:
    """What a section may hold: its keys and no others."""
    found = keys(kind)
    return {
        "type": "object",
        "description": first_line(kind),
        "properties": {key.name: _key(key) for key in found},
        "required": [key.name for key in found if key.needed],
        "additionalProperties": False,
    }


def first_line(kind: type) -> str:
    """What a section is, in one line."""
    return (kind.__doc__ or "").partition("\n")[0]


def _key(key: Key) -> Schema:
    default = plain(key.default)
    return _of(key.annotation) | {"description": key.meaning} | ({} if default is None else {"default": default})


def plain(value: Any) -> Any:
    """A default as data of a page."""
    return json.loads(json.dumps(dataclasses.asdict(value) if dataclasses.is_dataclass(value) else value))  # type: ignore[arg-type]


def _of(annotation: Any) -> Schema:
    origin, inner = get_origin(annotation), get_args(annotation)
    if marks(annotation):
        return _of(base(annotation)) | _limits(*bounds(annotation))
    if origin in (Union, UnionType):
        return {"anyOf": [_of(member) for member in inner]}
    if origin is Literal:
        return {"enum": list(inner)}
    if origin is Mapping:
        return _mapping(*inner)
    if dataclasses.is_dataclass(annotation):
        return section(annotation)  # type: ignore[arg-type]
    if origin is tuple:
        return {"type": "array", "items": _of(inner[0]), "uniqueItems": True}
    if origin in (list, Sequence):
        return {"type": "array", "items": _of(inner[0]), "minItems": 1}
    return dict(PLAIN[annotation])


def _mapping(named: Any, kind: Any) -> Schema:
    if get_origin(named) is not Literal:
        return {"type": "object", "additionalProperties": _of(kind)}
    properties = {name: _of(kind) for name in get_args(named)}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _limits(bound: Bound = UNBOUNDED) -> Schema:
    limits = {
        "exclusiveMinimum" if bound.low_open else "minimum": bound.low,
        "exclusiveMaximum" if bound.high_open else "maximum": bound.high,
    }
    return {name: limit for name, limit in limits.items() if math.isfinite(limit)}
