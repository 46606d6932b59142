"""Hashes that name things: configurations, trials, and the code that trains them."""

import ast
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TRAINING_CODE = ("models", "study/training/training.py", "study/training/batches.py", "study/training/devices.py")
AFTERWARDS = ("models/generation", "models/probes")  # what is asked of a model once it is trained


def digest(*content: Any) -> str:
    """12 hexadecimal digits of anything that JSON can hold."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def configuration_id(configuration: Mapping[str, Any]) -> str:
    """The name of a resolved configuration, the same for every seed."""
    return digest(configuration)[:8]


@cache
def code_version() -> str:
    """12 hexadecimal digits of the code that decides a trial's numbers, the models and their training.

    Comments and layout do not count, so that tidying up does not orphan a study.
    """
    found = hashlib.sha256()
    for place in TRAINING_CODE:
        path = ROOT / place
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            name = file.relative_to(ROOT).as_posix()
            if name.startswith(AFTERWARDS):
                continue
            found.update(name.encode())
            found.update(ast.dump(ast.parse(file.read_bytes())).encode())
    return found.hexdigest()[:12]
