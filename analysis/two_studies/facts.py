"""The recorded facts of two studies side by side, what they share, and whether their seeds may be paired."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from uncollapse.analysis.dotted import at_path, flatten

SHARED = ["family", "configurations_a", "configurations_b", "configurations", "seeds_a", "seeds_b", "seeds", "trials"]
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
    digests, effort = [at_path(s, "corpus.digest") for s in (a, b)], [_evaluation(s) for s in (a, b)]
    found = []
    if None in digests:
        found.append("a corpus digest is not recorded")
    elif digests[0] != digests[1]:
        found.append("the corpora differ")
    return [*found, "the evaluations differ"] if effort[0] != effort[1] else found


def _evaluation(study: Mapping[str, Any]) -> list[Any]:
    return [at_path(study, key) for key in ("iw_samples_valid", "valid_sentences", "settings.evaluate")]


def side_by_side(a: Mapping[str, Any], b: Mapping[str, Any]) -> pd.DataFrame:
    """The facts of `FACTS`, then every package and key of the study page that differs: fact, a, b, same."""
    rows = [(label, at_path(a, path), at_path(b, path)) for path, label in FACTS.items()]
    flat = [_nested(study) for study in (a, b)]
    others = [key for key in dict.fromkeys([*flat[0], *flat[1]]) if flat[0].get(key) != flat[1].get(key)]
    rows += [(key, flat[0].get(key), flat[1].get(key)) for key in others if key not in FACTS]
    shown = [{"fact": f, "a": x, "b": y, "same": x == y} for f, x, y in rows if x is not None or y is not None]
    return pd.DataFrame(shown, columns=["fact", "a", "b", "same"])


def _nested(study: Mapping[str, Any]) -> dict[str, Any]:
    facts = flatten({name: study.get(name) for name in ("packages", "settings")})
    return {path: value for path, value in facts if value is not None}


def shared_trials(a: pd.DataFrame, b: pd.DataFrame) -> pd.DataFrame:
    """Families, and of each how many replicate trials, configurations and seeds the judged trials have in common."""
    replicates = [judged[judged["stage"] == "replicate"] for judged in (a, b)]
    families = dict.fromkeys(str(f) for side in replicates for f in side["family"])
    rows = [{"family": name} | _overlap(*(side[side["family"] == name] for side in replicates)) for name in families]
    return pd.DataFrame(rows, columns=SHARED)


def _overlap(a: pd.DataFrame, b: pd.DataFrame) -> dict[str, int]:
    row = {"trials": len(set(a["key"]) & set(b["key"]))}
    for column, name in (("configuration", "configurations"), ("seed", "seeds")):
        first, second = set(a[column]), set(b[column])
        row |= {f"{name}_a": len(first), f"{name}_b": len(second), name: len(first & second)}
    return row
