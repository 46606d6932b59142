"""An exported file: a complete configuration that was confirmed, checked before anything is made of it."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from uncollapse.models.configuration import resolve
from uncollapse.search_spaces import page_yaml
from uncollapse.study.config.names import CONSTRAINT, NAME, study_error
from uncollapse.study.config.sections import Evaluate, Train
from uncollapse.study.config.tracking_uri import tracking_error
from uncollapse.study.errors import UserError
from uncollapse.study.storage.fingerprints import digest
from uncollapse.study.validation.keys import section_errors

KEYS = (
    "format",
    "family",
    "model",
    "corpus",
    "corpus_folder",
    "corpus_digest",
    "train",
    "evaluate",
    "seed",
    "threads",
    "tracking",
    "from",
)
NEEDED = {"train": ("epochs", "batch_size"), "evaluate": ("subset_sentences", "subset_samples", "full_samples")}
FORMATS = (1,)  # that `export` has written so far
DIGEST = re.compile(r"[0-9a-f]{16}")
SEEDS = range(page_yaml.LARGEST + 1)  # what such a file can hold
THREADS = range(1, 1025)  # more threads than that end the process before it can say so


def read(path: Path, edited: bool) -> dict[str, Any]:
    """An exported file, checked.

    Raises:
        UserError: not such a file, every error in it, or edited by hand without `edited`.
    """
    try:
        content = page_yaml.load(path)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; `uncollapse export` writes one for each family") from None
    except (OSError, ValueError) as error:
        raise UserError(str(error)) from None
    if not isinstance(content, Mapping) or any(key not in content for key in KEYS):
        missing = [key for key in KEYS if not isinstance(content, Mapping) or key not in content]
        raise UserError(f"{path}: an exported file has {', '.join(KEYS)}; missing here: {', '.join(missing)}")
    if found := [f"{path}: {error}" for error in _errors(content)]:
        raise UserError(found)
    held = {key: value for key, value in content.items() if key != "checksum"}
    if content.get("checksum") != digest(json.loads(json.dumps(held))) and not edited:
        raise UserError(
            f"{path}: an exported file carries a checksum of what was confirmed, and this one was edited since; "
            "export it again, or train the edited file with --edited (its figures are then not those of the study)"
        )
    return dict(content)


def _errors(content: Mapping[str, Any]) -> list[str]:
    found = _plain_errors(content)
    for section, kind in (("train", Train), ("evaluate", Evaluate)):
        found += section_errors(section, kind, content[section])
        given = content[section] if isinstance(content[section], Mapping) else NEEDED[section]
        found += [f"{section}.{key}: a complete file has it; add it" for key in NEEDED[section] if key not in given]
    if not isinstance(content["model"], Mapping):
        return [*found, f"model: a complete configuration, found {content['model']!r}"]
    return found + resolve.errors(content["model"], "model")


def _plain_errors(content: Mapping[str, Any]) -> list[str]:
    """Errors of what names a place, a study or a number; a corpus is judged where it is read."""
    found = [
        f"{key}: a whole number from {least[0]} to {least[-1]}, found {content[key]!r}"
        for key, least in (("seed", SEEDS), ("threads", THREADS))
        if type(content[key]) is not int or content[key] not in least
    ]
    if content["format"] not in FORMATS:
        found.append(f"format: one that this version reads, {FORMATS[-1]} at most, found {content['format']!r}")
    if not isinstance(content["family"], str) or not NAME.fullmatch(content["family"]):
        found.append(f"family: {CONSTRAINT}, found {content['family']!r}")
    if not isinstance(content["corpus_digest"], str) or not DIGEST.fullmatch(content["corpus_digest"]):
        found.append(f"corpus_digest: 16 hexadecimal digits, found {content['corpus_digest']!r}")
    if not isinstance(content["corpus_folder"], str):
        found.append(f"corpus_folder: where the corpus's relative paths start, found {content['corpus_folder']!r}")
    if (error := tracking_error(content["tracking"])) is not None:
        found.append(f"tracking: {error}")
    origin = content["from"]
    if not isinstance(origin, Mapping):
        found.append(f"from: where the configuration comes from, such as {{study: cafes}}, found {origin!r}")
    elif (error := study_error(origin.get("study"))) is not None:
        found.append(f"from.study: {error}")
    return found
