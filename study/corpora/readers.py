"""Readers of one file each: lines, labelled lines, csv, tsv, jsonl and word counts become texts and labels."""

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from uncollapse.models.configuration.unknown_name import unknown
from uncollapse.study.corpora.files import few, lines_of, read_text
from uncollapse.study.corpora.settings import SPECIALS, Files
from uncollapse.study.errors import UserError


@dataclass(frozen=True)
class Records:
    """N texts and what is known about each: its label, and its generating factors if it was generated."""

    texts: list[str]
    labels: list[str] | None = None
    factors: Mapping[str, list[str]] | None = None

    def take(self, index: np.ndarray) -> "Records":
        """The records at `index`, in that order."""

        def pick(values: list[str]) -> list[str]:
            return [values[i] for i in index]

        factors = None if self.factors is None else {name: pick(values) for name, values in self.factors.items()}
        return Records(pick(self.texts), None if self.labels is None else pick(self.labels), factors)


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
    return Records(lines_of(text)), []


def _join_labels(records: Records, labels: Path, path: Path) -> Records:
    found = [line.strip() for line in lines_of(read_text(labels)[0])]
    refuse_mismatch(path, len(records.texts), labels, len(found))
    return Records(records.texts, found)


def refuse_mismatch(path: Path, lines: int, labels: Path, found: int) -> None:
    """Refuse a label file that has not one label for each line of its text file."""
    if lines != found:
        counts = f"{path.name} has {lines:,} lines and {labels.name} has {found:,}"
        raise UserError(f"{labels}: every line needs one label, but {counts}; name the files that belong together")


def _read_table(text: str, path: Path, source: Files, cut: bool) -> _Read:
    delimiter = "\t" if source.format == "tsv" else ","
    rows = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=delimiter,
        quoting=csv.QUOTE_MINIMAL if source.quoted else csv.QUOTE_NONE,
        strict=not cut,
    )
    try:
        header = [name.strip() for name in next(rows)]
    except csv.Error as error:
        return Records([]), [f"{path} line 1: not a valid {source.format} header ({error}); mend the quoting"]
    errors = [f"{path}: {_no_column(name, header)}" for name in _columns(source) if name not in header]
    twice = dict.fromkeys(name for name in _columns(source) if header.count(name) > 1)
    errors += [f"{path} line 1: column {name!r} stands there twice; give one of the two another name" for name in twice]
    body, more = ([], []) if errors else _table_rows(rows, len(header), path, source)
    return _pick_columns(header, body[:-1] if cut else body, source) if not errors + more else Records(
        []
    ), errors + more


def _table_rows(rows: Any, width: int, path: Path, source: Files) -> tuple[list[list[str]], list[str]]:
    body: list[list[str]] = []
    errors: list[str] = []
    try:
        for row in rows:
            if len(row) == width:
                body.append(row)
            elif row:
                errors.append(
                    f"{path} line {rows.line_num}: {width} fields are expected, found {len(row)}; mend the row"
                )
    except csv.Error as error:
        remedy = "mend the quoting" + (", or set quoted: false if quote marks are plain text" if source.quoted else "")
        errors.append(f"{path} line {rows.line_num}: not a valid {source.format} row ({error}); {remedy}")
    return body, errors


def _columns(source: Files) -> list[str]:
    return [name for name in (source.text, source.label) if name is not None]


def _no_column(name: str, known: Iterable[str]) -> str:
    return unknown("column", name, known)


def _pick_columns(header: list[str], body: list[list[str]], source: Files) -> Records:
    at = header.index(source.text or "")
    labels = None
    if source.label is not None:
        where = header.index(source.label)
        labels = [row[where].strip() for row in body]
    return Records([row[at] for row in body], labels)


def _read_json(text: str, path: Path, source: Files, cut: bool) -> _Read:
    columns: list[list[str]] = [[] for _ in _columns(source)]
    errors = []
    for number, line in enumerate(lines_of(text), 1):
        if line.strip():
            try:
                for column, value in zip(columns, _json_values(line, source), strict=True):
                    column.append(value)
            except ValueError as error:
                errors.append(f"{path} line {number}: {error}")
    return Records(columns[0], columns[1] if len(columns) > 1 else None), errors


def _json_values(line: str, source: Files) -> list[str]:
    try:
        record = json.loads(line, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not valid JSON ({error}); write one object a line") from error
    if not isinstance(record, dict):
        raise ValueError(f"one JSON object a line is expected, found {line[:40]!r}; write {{...}}")
    for name in _columns(source):
        if name not in record:
            raise ValueError(_no_column(name, record))
    wrong = [
        name for name in _columns(source) if not isinstance(record[name], str if name == source.text else str | int)
    ]
    if wrong:
        raise ValueError(f"{wrong[0]!r} must be a string, found {record[wrong[0]]!r}; name another column")
    values = [str(record[name]) for name in _columns(source)]
    "".join(values).encode()  # a lone surrogate is a ValueError here instead of a traceback when the cache is written
    return values


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} is given twice")
    return found


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
    "csv": _read_table,
    "tsv": _read_table,
    "jsonl": _read_json,
    "counts": _read_counts,
}
