"""Readers of one file each: lines, labelled lines, tables, objects and word counts become texts and labels."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

from uncollapse.analysis.counted import counted
from uncollapse.study.corpora.files import few, lines_of, read_text
from uncollapse.study.corpora.reading.foreign import layout
from uncollapse.study.corpora.reading.objects import read_json
from uncollapse.study.corpora.reading.records import Records
from uncollapse.study.corpora.reading.tables import read_table
from uncollapse.study.corpora.settings import SPECIALS, Files
from uncollapse.study.errors import UserError


def read_file(path: Path, labels: Path | None, source: Files, most: int | None = None) -> Records:
    """The records of one file, or of its first `most` bytes.

    Raises:
        UserError: every error of the file that reading meets, each with its line.
    """
    text, cut = read_text(path, most)
    reader = _READERS.get(source.format, _read_lines)
    records, errors = reader(text, path, source, cut)
    if labels is not None and not cut:
        records = _join_labels(records, labels, path)
    if not errors and "" in (records.labels or ()):
        number = (records.labels or []).index("") + 1
        errors = [f"{labels or path}: every text needs a label, but that of text {number} is empty; fill it in"]
    if errors:
        raise UserError(few(errors))
    return records


def read_files(texts: Sequence[Path], labels: Sequence[Path], source: Files) -> Records:
    """The records of several files, one after another; the errors of all of them at once."""
    parts: list[Records] = []
    errors: list[str] = []
    for number, path in enumerate(texts):
        try:
            parts.append(read_file(path, labels[number] if labels else None, source))
        except UserError as error:
            errors.extend(error.errors)
    if errors:
        raise UserError(errors)
    labelled = all(part.labels is not None for part in parts)
    joined = [label for part in parts for label in part.labels or ()] if labelled else None
    return Records([text for part in parts for text in part.texts], joined)


_Read = tuple[Records, list[str]]


def _read_lines(text: str, path: Path, source: Files, cut: bool) -> _Read:
    lines = lines_of(text)
    strange = layout(lines)
    return Records(lines), [] if strange is None else [f"{path}: {strange}"]


def _join_labels(records: Records, labels: Path, path: Path) -> Records:
    found = [line.strip() for line in lines_of(read_text(labels)[0])]
    refuse_mismatch(path, len(records.texts), labels, len(found))
    return Records(records.texts, found)


def refuse_mismatch(path: Path, lines: int, labels: Path, found: int) -> None:
    """Refuse a label file that has not one label for each line of its text file."""
    if lines != found:
        counts = f"{path.name} has {counted(lines, 'line')} and {labels.name} has {found:,}"
        raise UserError(f"{labels}: every line needs one label, but {counts}; name the files that belong together")


def _read_counts(text: str, path: Path, source: Files, cut: bool) -> _Read:
    names = None if source.vocabulary is None else read_vocabulary(source.vocabulary)
    texts, labels, errors, total = [], [], [], 0
    for number, line in enumerate(lines_of(text), 1):
        label, *tokens = line.split() or [""]
        try:
            if not label or ":" in label:
                raise ValueError(f"a line starts with a label, found {label!r}; write 'label id:count id:count'")
            counts = sorted(_count(token, names) for token in tokens)
            _refuse_repeats([number for number, _ in counts])
            total += sum(n for _, n in counts)
            if total > MOST_WORDS:
                return Records([]), [f"{path} line {number}: {MOST_WORDS:,} words are counted at most; split the file"]
            words = ((names[i - 1] if names else f"w{i}", 1 if source.presence else n) for i, n in counts)
            texts.append(" ".join(" ".join([word] * n) for word, n in words))
            labels.append(label)
        except ValueError as error:
            errors.append(f"{path} line {number}: {error}")
    return Records(texts, labels), errors


def _count(token: str, names: Sequence[str] | None) -> tuple[int, int]:
    left, _, right = token.partition(":")
    most = len(names) if names else 2**31 - 10
    if not (left.isdecimal() and right.isdecimal()):
        raise ValueError(f"'id:count' in whole numbers is expected, found {token!r}; mend the token")
    number, count = int(left), int(right)
    if not (1 <= number <= most and 1 <= count <= 10**6):
        constraint = f"ids go from 1 to {most:,} and counts from 1 to 1,000,000"
        raise ValueError(f"{constraint}, found {token!r}; mend the token or name the right vocabulary")
    return number, count


def _refuse_repeats(numbers: list[int]) -> None:
    twice = [a for a, b in pairwise(numbers) if a == b]
    if twice:
        raise ValueError(f"an id stands once on a line, found {twice[0]} again; add its counts up")


def read_vocabulary(path: Path) -> list[str]:
    """The words of a vocabulary file, the first of each line; line i is the word with id i, from 1."""
    words = [(line.split() or [""])[0] for line in lines_of(read_text(path)[0])]
    seen: dict[str, int] = {}
    errors = []
    for number, word in enumerate(words, 1):
        if not word or word in SPECIALS:
            errors.append(f"{path} line {number}: a word is expected, found {word!r}; mend the line")
        elif seen.setdefault(word, number) != number:
            errors.append(f"{path} line {number}: {word!r} stands on line {seen[word]} already; keep one of them")
    if errors:
        raise UserError(few(errors))
    return words


def numbered(word: str) -> float:
    """The id in the name of a word without a vocabulary file, so that such names sort by id."""
    return int(word[1:]) if word[1:].isdecimal() else math.inf


MOST_WORDS = 10**8  # of one file of counts, whose few letters can stand for more words than memory holds
_READERS: dict[str, Callable[[str, Path, Files, bool], _Read]] = {
    "csv": read_table,
    "tsv": read_table,
    "jsonl": read_json,
    "counts": _read_counts,
}
