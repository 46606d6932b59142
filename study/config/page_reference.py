"""Every key of a study page, from the annotated sections: as tables for people and as a JSON schema for editors."""

import dataclasses
import json
from collections.abc import Iterator, Sequence

from uncollapse.study.config.page_schema import Schema, first_line, plain, section
from uncollapse.study.config.sections import SECTIONS
from uncollapse.study.config.study_page import Page
from uncollapse.study.corpora.forms import CAFES, FORMATS, KINDS
from uncollapse.study.validation.annotations import in_words
from uncollapse.study.validation.keys import Key, keys

DRAFT = "https://json-schema.org/draft/2020-12/schema"
FORMS = (*FORMATS, CAFES)
HEAD = ("key", "values", "default", "meaning")


def markdown() -> str:
    """One table a section: key, type and bounds in plain words, default, meaning."""
    parts = [_section("The page", Page), _corpus(), *(_section(f"`{name}:`", kind) for name, kind in SECTIONS.items())]
    return "\n".join(parts)


def json_schema() -> Schema:
    """What a study page may hold; what it takes to know files and families is left to `plan`."""
    page = section(Page)
    inside = {name: section(kind) for name, kind in SECTIONS.items()}
    properties = page["properties"] | inside
    properties["corpus"] |= _corpus_schema()
    definitions = {name: _form_schema(name) for name in KINDS}
    return {"$schema": DRAFT, "title": "Study page", **page, "properties": properties, "$defs": definitions}


def _section(title: str, kind: type) -> str:
    table = _table(HEAD, [_cells(name, key) for name, key in _flat(kind)])
    return f"## {title}\n\n{first_line(kind)}\n\n{table}\n"


def _corpus() -> str:
    """One table for all forms, a row a key and meaning; the last column says which forms take it."""
    takers: dict[tuple[str, ...], list[str]] = {}
    for form in FORMS:
        for name, key in _flat(KINDS[form]):
            takers.setdefault(_cells(name, key), []).append(form)
    rows = sorted(takers.items(), key=lambda row: len(row[1]) == len(FORMS))  # what every form takes comes last
    forms = "\n".join(f"- `{_how(form)}`: {first_line(KINDS[form])}" for form in FORMS)
    table = _table((*HEAD, "taken by"), [(*cells, _forms(taken)) for cells, taken in rows])
    return f"## `corpus:`\n\nThe sentences, in one of these forms:\n\n{forms}\n\n{table}\n"


def _how(form: str) -> str:
    return f"name: {form}" if form == CAFES else f"format: {form}"


def _forms(taken: Sequence[str]) -> str:
    if len(taken) == len(FORMS):
        return "all"
    return "all but cafes" if tuple(taken) == tuple(FORMATS) else ", ".join(taken)


def _flat(kind: type, before: str = "") -> Iterator[tuple[str, Key]]:
    """The keys of a section and of the sections in it, by their path."""
    for key in keys(kind):
        if dataclasses.is_dataclass(key.annotation):
            yield from _flat(key.annotation, f"{before}{key.name}.")  # type: ignore[arg-type]
        else:
            yield before + key.name, key


def _cells(name: str, key: Key) -> tuple[str, ...]:
    return f"`{name}`", in_words(key.annotation), _default(key), key.meaning


def _default(key: Key) -> str:
    if key.needed:
        return "needed"
    return "" if key.default is None else f"`{json.dumps(plain(key.default))}`".replace('"', "")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def _corpus_schema() -> Schema:
    """The form that a corpus has is told by `path` and `format`; where no format is said, any form of files may fit."""
    said = [
        {"if": {"required": ["path", "format"], "properties": {"format": {"const": form}}}, "then": _ref(form)}
        for form in FORMATS
    ]
    unsaid = {
        "if": {"required": ["path"], "not": {"required": ["format"]}},
        "then": {"anyOf": [_ref(form) for form in FORMATS]},
    }
    built_in = {"if": {"not": {"required": ["path"]}}, "then": _ref(CAFES)}
    return {"type": "object", "properties": {"format": {"enum": list(FORMATS)}}, "allOf": [built_in, unsaid, *said]}


def _ref(form: str) -> Schema:
    return {"$ref": f"#/$defs/{form}"}


def _form_schema(form: str) -> Schema:
    found = section(KINDS[form])
    if form in FORMATS:
        found["properties"]["format"] |= {"enum": [form]}
    return found
