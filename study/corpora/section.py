"""Turns a `corpus:` section into `Settings`, or says everything that is wrong with it."""

import dataclasses
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from uncollapse.models.configuration.unknown_name import unknown
from uncollapse.study.corpora import sources
from uncollapse.study.corpora.files import find
from uncollapse.study.corpora.forms import (
    CAFES,
    FORMATS,
    KINDS,
    SHAPE,
    BuiltIn,
    Chosen,
    Columns,
    Counts,
    Each,
    FromFiles,
    Lines,
    Words,
)
from uncollapse.study.corpora.settings import SPLITS, Cafes, Cleaning, Cut, Files, Selection, Settings
from uncollapse.study.corpora.sources import Paths, Place
from uncollapse.study.errors import UserError
from uncollapse.study.validation.keys import key_errors, keys, read


def parse(values: object, base: Path) -> Settings:
    """The settings of a `corpus:` section; paths are relative to `base`.

    Raises:
        UserError: every error that the section shows without opening the files it names.
    """
    if not isinstance(values, Mapping):
        raise UserError(f"corpus: must be {SHAPE}, found {values!r}")
    given = {key: value for key, value in values.items() if value is not None}
    if "path" not in given and given.get("name") != CAFES:
        raise UserError([*_strange_keys(values, list(KINDS)), _no_text(given.get("name"))])
    with _readable([]):
        place = Place(_root(given, base), base)
        form = _form(given, place.root)
        certain = form == CAFES or "format" in given or place.root.exists()
    section = read(KINDS[form], given)
    found = _strange_keys(values, [form] if certain else list(KINDS))
    found += key_errors(KINDS[form], given, "corpus") + _word_errors(section, given)
    with _readable(found):
        found += _vector_errors(section, base)
        if isinstance(section, FromFiles) and section.path:
            found += _file_errors(section, form, place)
        found += _split_errors(section, given, _texts(section, form, place))
    if found:
        raise UserError(found)
    return _settings(section, form, place)


@contextmanager
def _readable(found: Sequence[str]) -> Iterator[None]:
    """Refuses what the disk refuses: a name too long, a folder that cannot be listed, a ~user who is not there."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        raise UserError([*found, f"corpus: every path must be readable, but {error}; mend the path"]) from error


def _no_text(name: object) -> str:
    said = "names no text" if name is None else unknown("built-in corpus", name, (CAFES,))
    return f"corpus: {said}; write name: {CAFES} for the built-in corpus, or path: and a file or folder"


def _root(given: Mapping[str, Any], base: Path) -> Path:
    """What `path` names; of a path that is no name, a place where nothing is."""
    path = given.get("path")
    return base / Path(path).expanduser() if isinstance(path, str) else base / str(path)


def _form(given: Mapping[str, Any], root: Path) -> str:
    """The form of a section: built in, of the format it states, or of the format that its names tell."""
    if "path" not in given:
        return CAFES
    stated = given.get("format")
    return stated if isinstance(stated, str) and stated in FORMATS else sources.guess(given, root)


def _strange_keys(values: Mapping[Any, Any], forms: Sequence[str]) -> list[str]:
    """An error for every key that none of the forms takes."""
    known = _names(forms)
    return [f"corpus: {_strange(key, known, forms[0])}" for key in values if key not in known]


def _strange(key: object, known: Collection[str], form: str) -> str:
    others = [other for other in KINDS if key in _names([other])]
    if not others:
        return unknown("key", key, known)
    return f"unknown key {key!r} of {form}; it belongs to {', '.join(others)}; leave it out, or say which is meant"


def _names(forms: Sequence[str]) -> list[str]:
    return [key.name for form in forms for key in keys(KINDS[form])]


def _word_errors(section: Chosen, given: Mapping[str, Any]) -> list[str]:
    found = []
    if section.max_words is not None and section.max_words < section.min_words:
        constraint = f"must be at least min_words, found {section.max_words} under {section.min_words}"
        found.append(f"corpus.max_words: {constraint}; change one of them")
    if isinstance(section, Words) and "subwords" in given and section.tokenizer != "subwords":
        constraint = "counts the pieces of `tokenizer: subwords`"
        found.append(f"corpus.subwords: {constraint}; name that tokenizer or leave it out")
    return found


def _vector_errors(section: Chosen, base: Path) -> list[str]:
    name = section.vectors
    if name is None or find(name, base) is not None:
        return []
    constraint = f"must name a file of word vectors, but there is nothing at {base / name}"
    return [f"corpus.vectors: {constraint}; mend the name, or write its whole path"]


def _file_errors(section: FromFiles, form: str, place: Place) -> list[str]:
    if not place.root.exists():
        constraint = f"must be a file or a folder, but there is nothing at {place.root}"
        return [f"corpus.path: {constraint}; mend the name, which is relative to {place.base}"]
    found = sources.text_errors(section, form, place)
    found += [] if found else sources.label_errors(section, sources.texts(section, form, place), place)
    if isinstance(section, Counts) and section.vocabulary is not None:
        found += place.missing("vocabulary", [section.vocabulary])
    unlabelled = section.label is None if isinstance(section, Columns) else type(section) is Lines
    if section.per_class is not None and unlabelled:
        constraint = "samples each class, but the sentences have no labels"
        found.append(f"corpus.per_class: {constraint}; name label: COLUMN or leave it out")
    return found


def _split_errors(section: Chosen, given: Mapping[str, Any], held: Collection[str]) -> list[str]:
    """What cannot be cut from the training text; `held` are the splits that have files."""
    said = given.get("splits")
    found = [
        f"corpus.splits.{split}: cannot be cut, because corpus.{split} has a file; leave one of the two out"
        for split in SPLITS
        if split in held and isinstance(said, Mapping) and split in said
    ]
    if sum(share for share in _shares(section, held).values() if share < 1) >= 1:
        constraint = "the shares of valid and test must leave some of the text to train on"
        found.append(f"corpus.splits: {constraint}; make them smaller")
    return found


def _shares(section: Chosen, held: Collection[str]) -> dict[str, float]:
    shares = {"valid": section.splits.valid, "test": section.splits.test}
    return {split: share for split, share in shares.items() if split not in held}


def _texts(section: Chosen, form: str, place: Place) -> Paths:
    return sources.texts(section, form, place) if isinstance(section, FromFiles) else {}


def _settings(section: Chosen, form: str, place: Place) -> Settings:
    """What a section without errors means."""
    source = _source(section, form, place)
    held = _texts(section, form, place)
    chosen = Selection(
        section.min_words, section.max_words, _each(section.per_class), _each(section.limit), section.seed
    )
    cut = Cut(_shares(section, held), section.splits.seed)
    vocabulary = section.vocabulary if isinstance(section, Words) else None
    vectors = None if section.vectors is None else find(section.vectors, place.base)
    return Settings(_name(section, place.root), source, _cleaning(section), chosen, cut, vocabulary, vectors)


def _name(section: Chosen, root: Path) -> str:
    said = section.name if isinstance(section, BuiltIn | FromFiles) else None
    return said or root.stem or root.resolve().stem


def _source(section: Chosen, form: str, place: Place) -> Cafes | Files:
    if isinstance(section, BuiltIn):
        return Cafes(section.sentences, section.signal, section.seed)
    assert isinstance(section, FromFiles), section
    texts = sources.texts(section, form, place)
    columns = section if isinstance(section, Columns) else None
    counts = section if isinstance(section, Counts) else None
    listed = None if counts is None or counts.vocabulary is None else place.find(counts.vocabulary)
    return Files(
        form,
        texts,
        sources.labels(section, texts, place),
        None if columns is None else str(columns.text),
        None if columns is None or columns.label is None else str(columns.label),
        getattr(section, "quoted", True),
        listed,
        counts is not None and counts.presence,
        getattr(section, "header", True),
    )


def _cleaning(section: Chosen) -> Cleaning:
    """The steps that a form takes; each of the others is off."""
    steps = [field.name for field in dataclasses.fields(Cleaning)]
    how = Cleaning(**{step: getattr(section, step) for step in steps if hasattr(section, step)})
    return how if how.tokenizer == "subwords" else dataclasses.replace(how, subwords=None)


def _each(given: Each) -> dict[str, int]:
    """A number for each split, of one for all or of some."""
    if isinstance(given, Mapping):
        return dict(given.items())
    return {} if given is None else dict.fromkeys(SPLITS, given)
