"""Readers of tables, csv and tsv: rows and fields, and where a quotation mark swallows rows."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from uncollapse.models.configuration.unknown_name import unknown
from uncollapse.study.corpora.reading.records import Records
from uncollapse.study.corpora.settings import Files

LONGEST = 2**31 - 1  # characters of a field; csv's own limit is 131,072
SWALLOWED, SHARE = 3, 0.8  # lines inside a field that look like rows, at least, and their share of all inside it


class Row(NamedTuple):
    """The fields of a row, and the lines that it takes, from 1."""

    fields: list[str]
    first: int
    last: int


def read_table(text: str, path: Path, source: Files, cut: bool) -> tuple[Records, list[str]]:
    """The records of a table, and what is wrong with it."""
    csv.field_size_limit(LONGEST)
    rows, broken = _rows(text, path, source, cut)
    if not rows:
        return Records([]), broken
    header = [name.strip() for name in rows[0].fields] if source.header else _numbers(rows[0].fields)
    body = rows[1:] if source.header else rows
    if errors := _header_errors(path, header, source):
        return Records([]), errors
    errors = [
        f"{path} line {row.last}: {len(header)} fields are expected, found {len(row.fields)}; mend the row"
        for row in body
        if row.fields and len(row.fields) != len(header)
    ]
    body = [row for row in body if len(row.fields) == len(header)]
    errors += broken + (_swallowing(body, header, text, path, source) if source.quoted else [])
    return (Records([]), errors) if errors else (_picked(header, body[:-1] if cut else body, source), [])


def _rows(text: str, path: Path, source: Files, cut: bool) -> tuple[list[Row], list[str]]:
    """Every row that can be read, and what is wrong with the one that cannot."""
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=_delimiter(source),
        quoting=csv.QUOTE_MINIMAL if source.quoted else csv.QUOTE_NONE,
        strict=not cut,
    )
    rows: list[Row] = []
    first = 1
    try:
        for fields in reader:
            rows.append(Row(fields, first, reader.line_num))
            first = reader.line_num + 1
    except csv.Error as error:
        remedy = "mend the quoting" + (", or set quoted: false if quote marks are plain text" if source.quoted else "")
        opened = f"; its quotation mark opens on line {first}" if reader.line_num > first else ""
        what = "row" if rows else "header"
        return rows, [f"{path} line {reader.line_num}: not a valid {source.format} {what} ({error}{opened}); {remedy}"]
    return rows, []


def _delimiter(source: Files) -> str:
    return "\t" if source.format == "tsv" else ","


def _numbers(fields: Sequence[str]) -> list[str]:
    return [str(number) for number in range(1, len(fields) + 1)]


def columns_of(source: Files) -> list[str]:
    """The columns that a page names."""
    return [name for name in (source.text, source.label) if name is not None]


def no_column(name: str, known: Iterable[str]) -> str:
    """The sentence for a column that is not there."""
    return unknown("column", name, known)


def _header_errors(path: Path, header: list[str], source: Files) -> list[str]:
    taken = (
        "; line 1 was taken for the names of the columns: where it is a row, say `header: false` and number them, as "
        "in `text: 2`"
        if source.header
        else "; with `header: false` columns are numbered from 1"
    )
    missing = [f"{path}: {no_column(name, header)}{taken}" for name in columns_of(source) if name not in header]
    twice = dict.fromkeys(name for name in columns_of(source) if header.count(name) > 1)
    return missing + [
        f"{path} line 1: column {name!r} stands there twice; give one of the two another name" for name in twice
    ]


def _picked(header: list[str], body: Sequence[Row], source: Files) -> Records:
    at = header.index(source.text or "")
    labels = None
    if source.label is not None:
        where = header.index(source.label)
        labels = [row.fields[where].strip() for row in body]
    return Records([row.fields[at] for row in body], labels)


def _swallowing(body: Sequence[Row], header: list[str], text: str, path: Path, source: Files) -> list[str]:
    """Rows that hold others: a quotation mark that was never closed is closed by the next one, however far away."""
    long = [row for row in body if row.last - row.first > SWALLOWED]
    if not long or len(header) < 2:
        return []
    lines, where = text.split("\n"), header.index(source.label) if source.label is not None else None
    known = {row.fields[where].strip() for row in body if row not in long} if where is not None else None
    errors = []
    for row in long:
        inside = [
            next(csv.reader([line], delimiter=_delimiter(source)), []) for line in lines[row.first : row.last - 1]
        ]
        alike = [
            one
            for one in inside
            if len(one) == len(header) and (known is None or where is None or one[where].strip() in known)
        ]
        if len(alike) >= SWALLOWED and len(alike) >= SHARE * len(inside):
            errors.append(
                f"{path} line {row.first}: a quotation mark opens a field here that ends on line {row.last}, and "
                f"{len(alike):,} of the lines between look like rows; close or double the mark, or set quoted: false "
                "if quote marks are plain text"
            )
    return errors
