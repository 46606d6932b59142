"""One hyperparameter of a component and what may be its value. Free of torch."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Annotated, Any, Literal, get_args, get_origin

REQUIRED = SimpleNamespace(name="required")


@dataclass(frozen=True)
class Option:
    """One hyperparameter: its name, its annotated type and its default."""

    name: str
    annotation: Any
    default: Any

    def error(self, value: object) -> str | None:
        """What is wrong with `value`, as the rest of a sentence, or None."""
        return _type_error(self.annotation, value)


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


def judged(annotation: Any) -> bool:
    """Whether a value can be judged by an annotation."""
    origin = get_origin(annotation)
    if origin is Annotated:
        base, bound = get_args(annotation)[:2]
        return judged(base) and hasattr(bound, "error")
    if origin is tuple:
        return judged(get_args(annotation)[0])
    return origin is Literal or annotation in (float, int, str, bool)
