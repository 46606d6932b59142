"""Nested facts by dotted path, as `train.batch_size`."""

from collections.abc import Iterator, Mapping
from typing import Any


def flatten(facts: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every fact that is no mapping itself, with its path."""
    for key, value in facts.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def at_path(facts: Any, path: str) -> Any:
    """The fact at a path; None where there is none."""
    for key in path.split("."):
        facts = facts.get(key) if isinstance(facts, Mapping) else None
    return facts
