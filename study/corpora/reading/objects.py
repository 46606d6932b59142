"""Readers of JSON: an object a line, or a list of objects, which some call JSON Lines too."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from uncollapse.study.corpora.files import lines_of
from uncollapse.study.corpora.reading.records import Records
from uncollapse.study.corpora.reading.tables import columns_of, no_column
from uncollapse.study.corpora.settings import Files

BETWEEN = " \t\r\n,"


def read_json(text: str, path: Path, source: Files, cut: bool) -> tuple[Records, list[str]]:
    """The records of a file of objects, and what is wrong with it."""
    if text.lstrip().startswith("["):
        return _read(_of_list(text, cut), path, source)
    lines = ((f"line {number}", line) for number, line in enumerate(lines_of(text), 1) if line.strip())
    return _read(((place, _object(line)) for place, line in lines), path, source)


def _read(found: "Iterator[tuple[str, Any]]", path: Path, source: Files) -> tuple[Records, list[str]]:
    columns: list[list[str]] = [[] for _ in columns_of(source)]
    errors = []
    for place, record in found:
        try:
            for column, value in zip(columns, _values(record, source), strict=True):
                column.append(value)
        except ValueError as error:
            errors.append(f"{path} {place}: {error}")
    return Records(columns[0], columns[1] if len(columns) > 1 else None), errors


def _object(line: str) -> Any:
    """What a line holds, or the error of one that holds nothing."""
    try:
        return json.loads(line, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        return ValueError(f"not valid JSON ({error}); write one object a line")


def _of_list(text: str, cut: bool) -> Iterator[tuple[str, Any]]:
    """Every item of a list with its place; of one that is cut, those that are whole."""
    decoder = json.JSONDecoder(object_pairs_hook=_once)
    at, number = text.index("[") + 1, 0
    while True:
        while at < len(text) and text[at] in BETWEEN:
            at += 1
        if text[at : at + 1] == "]":
            return
        number += 1
        try:
            item, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            if not cut:
                line = text.count("\n", 0, at) + 1
                yield f"line {line}", ValueError(f"item {number} of the list is not valid JSON ({error}); mend it")
            return
        yield f"item {number}", item


def _values(record: Any, source: Files) -> list[str]:
    if isinstance(record, ValueError):
        raise record
    if not isinstance(record, dict):
        raise ValueError(f"one JSON object a line is expected, found {str(record)[:40]!r}; write {{...}}")
    for name in columns_of(source):
        if name not in record:
            raise ValueError(no_column(name, record))
    values = [_text(source.text or "", record[source.text])]
    values += [] if source.label is None else [_class(source.label, record[source.label])]
    "".join(values).encode()  # a lone surrogate is a ValueError here instead of a traceback when the cache is written
    return values


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{name!r} must be a string, found {value!r}; name another column")
    return value


def _class(name: str, value: Any) -> str:
    """A class by its name; whole numbers that were written as 1.0, as pandas writes them, are whole numbers."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if value is None:
        raise ValueError(f"{name!r} must be a class, found null; fill it in, or leave the object out")
    if isinstance(value, float):
        raise ValueError(
            f"{name!r} must be a class, found the fraction {value!r}; name a column of classes, or leave `label` out"
        )
    if not isinstance(value, str | int):
        raise ValueError(f"{name!r} must be a class, a string or a whole number, found {str(value)[:40]}; name another")
    return str(value)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} is given twice")
    return found
