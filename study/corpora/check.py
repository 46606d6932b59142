"""What is wrong with a `corpus:` section, found cheaply: before a plan is shown and long before anything runs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from uncollapse.study.corpora import splits
from uncollapse.study.corpora.files import PROBE, count_lines
from uncollapse.study.corpora.reading.readers import read_file, read_vocabulary, refuse_mismatch
from uncollapse.study.corpora.section import parse
from uncollapse.study.corpora.settings import Cafes, Files, Settings
from uncollapse.study.errors import UserError


def check(settings: Mapping[str, Any], base: Path) -> list[str]:
    """Every error of the settings and of the first megabyte of each file they name; empty when there is none.

    What stands later in a file is found by `prepare`.
    """
    try:
        known = parse(settings, base)
    except UserError as error:
        return list(error.errors)
    if isinstance(known.source, Cafes):
        return _cut(known.source.sentences, known)
    return _files(known.source, known)


def _files(source: Files, settings: Settings) -> list[str]:
    errors: list[str] = []
    counts: dict[str, int | None] = {}
    try:
        if source.vocabulary is not None:
            read_vocabulary(source.vocabulary)
    except UserError as error:
        return list(error.errors)
    for split, paths in source.texts.items():
        found = [_sentences(path, source, split, number, errors) for number, path in enumerate(paths)]
        counts[split] = sum(n for n in found if n is not None) if None not in found else None
    return errors or _few(counts, settings)


def _sentences(path: Path, source: Files, split: str, number: int, errors: list[str]) -> int | None:
    """How many sentences a file has, None if it is too large to be read whole; what is wrong joins `errors`."""
    labels = source.labels[split][number] if split in source.labels else None
    large = path.stat().st_size > PROBE
    try:
        records = read_file(path, labels, source, most=PROBE)
        if large and labels is not None:
            refuse_mismatch(path, count_lines(path), labels, count_lines(labels))
    except UserError as error:
        errors.extend(error.errors)
        return None
    return None if large else len(records.texts)


def _few(counts: Mapping[str, int | None], settings: Settings) -> list[str]:
    total = counts["train"]
    errors = [] if total is None else _cut(total, settings)
    for split, count in counts.items():
        if split != "train" and count is not None and count < splits.FEWEST:
            errors.append(f"corpus.{split}: {splits.too_few(split, count)}")
    return errors


def _cut(total: int, settings: Settings) -> list[str]:
    try:
        splits.sizes(total, settings.cut.shares)
    except ValueError as error:
        return [f"corpus: {error}"]
    return []
