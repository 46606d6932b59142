"""The recorded facts of two studies side by side, and whether their seeds may be paired."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

FACTS = {
    "name": "study",
    "created": "created",
    "code_version": "training code",
    "corpus.name": "corpus",
    "corpus.digest": "corpus digest",
    "epochs": "epochs",
    "settings.train.batch_size": "batch size",
    "iw_samples_valid": "importance samples",
    "valid_sentences": "validation sentences",
    "select": "search metric",
}


def obstacles_to_pairing(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    """Why seeds of the two studies cannot be paired; empty where they can."""
    digests, effort = [_get(s, "corpus.digest") for s in (a, b)], [_evaluation(s) for s in (a, b)]
    found = []
    if None in digests:
        found.append("a corpus digest is not recorded")
    elif digests[0] != digests[1]:
        found.append("the corpora differ")
    return [*found, "the evaluations differ"] if effort[0] != effort[1] else found


def _evaluation(study: Mapping[str, Any]) -> list[Any]:
    return [_get(study, key) for key in ("iw_samples_valid", "valid_sentences", "settings.evaluate")]


def side_by_side(a: Mapping[str, Any], b: Mapping[str, Any]) -> pd.DataFrame:
    """The facts of `FACTS`, then every package and setting that differs: fact, a, b, same."""
    rows = [(label, _get(a, path), _get(b, path)) for path, label in FACTS.items()]
    flat = [dict(_flat({name: study.get(name) for name in ("packages", "settings")})) for study in (a, b)]
    others = [key for key in dict.fromkeys([*flat[0], *flat[1]]) if flat[0].get(key) != flat[1].get(key)]
    rows += [(key, flat[0].get(key), flat[1].get(key)) for key in others if key not in FACTS]
    shown = [{"fact": f, "a": x, "b": y, "same": x == y} for f, x, y in rows if x is not None or y is not None]
    return pd.DataFrame(shown, columns=["fact", "a", "b", "same"])


def _flat(facts: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in facts.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        elif value is not None:
            yield f"{prefix}{key}", value


def _get(facts: Mapping[str, Any], path: str) -> Any:
    value: Any = facts
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
