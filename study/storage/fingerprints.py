"""Hashes that name things: configurations, trials, and the code that trains them."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from uncollapse.models.configuration import components, resolve
from uncollapse.study.config import families
from uncollapse.study.config.families import Family
from uncollapse.study.storage.reach import reached

# From here everything is reached that trains any model; components are found by name.
TRAINING = "uncollapse.study.training.training"

Files = Mapping[str, str]  # hashes of what files say, by name
Code = Mapping[str, Files]  # by family


def digest(*content: Any) -> str:
    """12 hexadecimal digits of anything that JSON can hold."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def configuration_id(configuration: Mapping[str, Any]) -> str:
    """The name of a resolved configuration, the same for every seed."""
    return digest(configuration)[:8]


def fingerprint(configuration: Mapping[str, Any]) -> str:
    """12 hexadecimal digits of the code that decides the numbers of a resolved configuration, and of no other code."""
    return fingerprint_of(files_of(configuration))


def files_of(configuration: Mapping[str, Any]) -> Files:
    """The code that decides the numbers of a resolved configuration: its components, the training, what they import."""
    return _files(resolve.chosen_components(configuration))


def code_of(studied: Iterable[Family]) -> dict[str, dict[str, str]]:
    """For each family the code that any of its trials can reach."""
    return {family.name: dict(_files(_reachable(family))) for family in studied}


def fingerprint_of(files: Files) -> str:
    """The fingerprint of some files, the same wherever they lie and whatever they are called."""
    return digest(sorted(set(files.values())))


def code_version(code: Code | str) -> str:
    """One fingerprint for the recorded code of a whole study; an earlier version of this program recorded just that."""
    return code if isinstance(code, str) else digest({family: fingerprint_of(code[family]) for family in code})


def family_version(code: Code | str, family: str) -> str:
    """The fingerprint of one family, of the recorded code of a study."""
    return code if isinstance(code, str) else fingerprint_of(code[family])


def code_changes(before: Code | str, now: Code) -> list[str]:
    """A phrase for every file that differs, with the families that it concerns; of families that both know."""
    if isinstance(before, str):
        return [f"it was recorded as {before} by an earlier version of this program, which covered more files"]
    concerned: dict[str, list[str]] = {}
    for family in (family for family in now if family in before):
        for phrase in _file_changes(before[family], now[family]):
            concerned.setdefault(phrase, []).append(family)
    return [f"{phrase} ({', '.join(whose)})" for phrase, whose in sorted(concerned.items())]


def _file_changes(before: Files, now: Files) -> list[str]:
    """What differs; a file that says the same elsewhere does not."""
    changed = [f"{name} has changed since" for name in before.keys() & now.keys() if before[name] != now[name]]
    new = [f"{name} is new" for name in now.keys() - before.keys() if now[name] not in before.values()]
    gone = [f"{name} is gone" for name in before.keys() - now.keys() if before[name] not in now.values()]
    return [*changed, *new, *gone]


@cache
def _files(chosen: frozenset[tuple[str, str]]) -> Files:
    modules = [components.module_of(slot, kind) for slot, kind in chosen]
    ours = (__name__, components.__name__)
    return reached([TRAINING, *modules], {name.partition(".")[0] for name in (*ours, *modules)})


def _reachable(family: Family) -> frozenset[tuple[str, str]]:
    """Components of everything that a family's search can draw."""
    return frozenset().union(*map(resolve.chosen_components, families.reachable(family)))
