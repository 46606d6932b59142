"""Turns a `corpus:` section into a prepared corpus in the cache, once for each content."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from uncollapse.analysis.counted import counted as counted_noun
from uncollapse.study.corpora import subwords, vectors
from uncollapse.study.corpora.cache import Made, corpus_of, entry, seal, sha256
from uncollapse.study.corpora.cafes import generate
from uncollapse.study.corpora.cleaning import learn, words_of
from uncollapse.study.corpora.corpus import Corpus
from uncollapse.study.corpora.files import count_lines
from uncollapse.study.corpora.reading.readers import numbered, read_files, read_vocabulary
from uncollapse.study.corpora.reading.records import Records
from uncollapse.study.corpora.remarks import refusals, remarks
from uncollapse.study.corpora.section import parse
from uncollapse.study.corpora.settings import SPECIALS, SPLITS, UNK, Cafes, Files, Settings
from uncollapse.study.corpora.splits import FEWEST, by_length, cut, sample, too_few
from uncollapse.study.corpora.vocabulary import (
    class_names,
    counted,
    indexed,
    marked_unknown,
    refuse_reserved,
    vocabulary_of,
)
from uncollapse.study.errors import UserError

PREPARATION_VERSION = 2
MOST_CLASSES = 2**15 - 1

Say = Callable[[str], None]


def prepare(settings: Mapping[str, Any], cache: Path, base: Path, progress: Say | None = None) -> Corpus:
    """The corpus that a `corpus:` section describes, made if the cache has no whole copy of it.

    Args:
        settings: the section as YAML gave it.
        cache: the folder of all prepared corpora; safe to share between processes.
        base: the folder that relative paths start from.
        progress: called with a sentence now and then.

    Raises:
        UserError: every error of the settings, or of the files, at once.
    """
    say = progress or (lambda sentence: None)
    known = parse(settings, base)
    folder = cache / _read_digest(known)
    corpus = corpus_of(folder, entry(folder, partial(_make, known, say), say))
    _refuse(corpus.facts)  # one of an earlier version too, which kept what it refused
    for sentence in remarks(corpus.facts):
        say(sentence)
    return dataclasses.replace(corpus, name=known.name)


def digest_of(settings: Mapping[str, Any], base: Path) -> str:
    """The digest of what `prepare` would give, of files that are there; nothing is prepared. Raises as it does."""
    return _read_digest(parse(settings, base))


def _read_digest(settings: Settings) -> str:
    try:
        return digest(settings)
    except OSError as error:
        raise UserError(f"{error.filename}: cannot be read ({error.strerror}); check its permissions") from error


def digest(settings: Settings) -> str:
    """16 hexadecimal digits of the content and its preparation, not of where the files lie."""
    terms = dataclasses.asdict(dataclasses.replace(settings, name=""))
    if isinstance(settings.source, Files):
        terms["source"] |= {"texts": _hashes(settings.source.texts), "labels": _hashes(settings.source.labels)}
        listed = settings.source.vocabulary
        if settings.source.header:
            del terms["source"]["header"]  # what there was no key for has the name that it had
        terms["source"]["vocabulary"] = None if listed is None else sha256(listed)
    terms["vectors"] = None if settings.vectors is None else sha256(settings.vectors)
    library = {"spacy": "spacy", "subwords": "tokenizers"}.get(settings.cleaning.tokenizer)
    if library is not None:
        terms[library] = version(library)
    return seal({"version": PREPARATION_VERSION, **terms})[:16]


def _hashes(files: Mapping[str, tuple[Path, ...]]) -> dict[str, list[tuple[str, str]]]:
    return {split: [(path.name, sha256(path)) for path in paths] for split, paths in files.items()}


@dataclasses.dataclass(frozen=True)
class _Part:
    """One split on its way: its records, their words, and what was left out."""

    records: Records
    words: list[list[str]]
    dropped: dict[str, int]


def _make(settings: Settings, say: Say) -> Made:
    splits, made = _splits(settings, say)
    learned = learn(splits["train"].texts, settings.cleaning)
    errors: list[str] = []
    parts: dict[str, _Part] = {}
    for split in SPLITS:
        try:
            parts[split] = _part(splits[split], split, settings, learned, say)
        except ValueError as error:
            errors.extend(error.errors if isinstance(error, UserError) else [f"corpus: {error}"])
    if errors:
        raise UserError(errors)
    say("indexing the words")
    body, arrays = _indexed(parts, made, settings, learned)
    _refuse(body["facts"])
    return body, arrays


def _refuse(facts: Mapping[str, Any]) -> None:
    if found := refusals(facts):
        raise UserError(found)


def _splits(settings: Settings, say: Say) -> tuple[dict[str, Records], dict[str, str]]:
    given, made = _given(settings, say)
    train = given["train"]
    try:
        index = cut(len(train.texts), settings.cut)
    except ValueError as error:
        raise UserError(f"corpus: {error}") from error
    whole = made["train"]
    for split, rows in index.items():
        if len(index) > 1:
            made[split] = f"{len(rows):,} of {len(train.texts):,} drawn from {whole} with seed {settings.cut.seed}"
        given[split] = train.take(rows)
    return given, made


def _given(settings: Settings, say: Say) -> tuple[dict[str, Records], dict[str, str]]:
    source = settings.source
    if isinstance(source, Cafes):
        say(f"generating {source.sentences:,} sentences")
        made = f"the built-in grammar, signal {source.signal}, seed {source.seed}"
        return {"train": generate(source.sentences, source.signal, source.seed)}, {"train": made}
    given: dict[str, Records] = {}
    named: dict[str, str] = {}
    errors: list[str] = []
    for split, paths in source.texts.items():
        say(f"reading {', '.join(path.name for path in paths)}")
        try:
            given[split] = read_files(paths, source.labels.get(split, ()), source)
            named[split] = _named(paths) + _read_of(len(given[split].texts), paths, source)
        except UserError as error:
            errors.extend(error.errors)
    if errors:
        raise UserError(errors)
    return given, named


def _read_of(rows: int, paths: tuple[Path, ...], source: Files) -> str:
    """Rows against lines, where a row may take several or none."""
    if source.format in ("lines", "labelled", "counts"):
        return ""
    return f" ({counted_noun(rows, 'row')} read of {counted_noun(sum(map(count_lines, paths)), 'line')})"


def _named(paths: tuple[Path, ...]) -> str:
    names = " and ".join(path.name for path in paths)
    return f"{names} joined" if len(paths) > 1 else names


def _part(records: Records, split: str, settings: Settings, learned: str | None, say: Say) -> _Part:
    say(f"{split}: splitting {len(records.texts):,} sentences into words")
    words = words_of(records.texts, settings.cleaning, say, learned)
    refuse_reserved(words, split)
    index, dropped = by_length(np.fromiter(map(len, words), np.int64, len(words)), settings.selection)
    kept = sample(index, records.labels, split, settings.selection)
    if len(kept) < FEWEST:
        raise ValueError(too_few(split, len(kept)))
    dropped["not sampled"] = len(index) - len(kept)
    return _Part(records.take(kept), [words[i] for i in kept], dropped)


def _indexed(parts: Mapping[str, _Part], made: Mapping[str, str], settings: Settings, learned: str | None) -> Made:
    vocabulary = _vocabulary(parts, settings, learned)
    classes = class_names(label for part in parts.values() for label in part.records.labels or ())
    if len(classes) > MOST_CLASSES:
        raise UserError(f"corpus.label: at most {MOST_CLASSES:,} classes can be told apart, found {len(classes):,}")
    arrays: dict[str, Any] = {}
    facts: dict[str, Any] = {}
    trained_on = _also_in_train(parts)
    for split, part in parts.items():
        tokens, offsets = indexed(part.words, vocabulary)
        arrays |= {f"{split}.tokens.npy": tokens, f"{split}.offsets.npy": offsets} | _beside(split, part, classes)
        marked = marked_unknown(part.words, {settings.cleaning.unknown, SPECIALS[UNK]})
        facts[split] = {"made": made[split], **counted(tokens, offsets, marked), "dropped": part.dropped}
        if split != "train":
            facts[split]["also_in_train"] = sum(tuple(words) in trained_on for words in part.words)
    beside, covered = _vectors(settings, vocabulary, arrays["train.tokens.npy"])
    arrays |= beside
    body = {
        "name": settings.name,
        "vocabulary": vocabulary,
        "classes": classes,
        "ordered": not _bags(settings),
        "cleaning": None if _bags(settings) else dataclasses.asdict(settings.cleaning),
        "learned": learned,
        "facts": {**_terms(settings), **covered, "types": len(vocabulary), "classes": len(classes), "splits": facts},
    }
    return body, arrays


def _also_in_train(parts: Mapping[str, _Part]) -> set[tuple[str, ...]]:
    """The sentences of the other splits that the training split has too."""
    held_out = {tuple(words) for split, part in parts.items() if split != "train" for words in part.words}
    return held_out.intersection(map(tuple, parts["train"].words))


def _vectors(
    settings: Settings, vocabulary: Sequence[str], tokens: np.ndarray
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The arrays of the vocabulary's word vectors, and what a report says of them."""
    if settings.vectors is None:
        return {}, {}
    found = vectors.read(settings.vectors, vocabulary)
    words = found.known[len(SPECIALS) :]
    covered = {
        "file": settings.vectors.name,
        "dimensions": found.table.shape[1],
        "types_covered": float(words.mean()),
        "tokens_covered": float(found.known[tokens].mean()),
        "found_in_lower_case": found.lowered,
    }
    return {"vectors.npy": found.table, "known.npy": found.known}, {"vectors": covered}


def _beside(split: str, part: _Part, classes: tuple[str, ...]) -> dict[str, Any]:
    beside: dict[str, Any] = {}
    if part.records.labels is not None:
        number = {name: i for i, name in enumerate(classes)}
        beside[f"{split}.labels.npy"] = np.array([number[label] for label in part.records.labels], np.int16)
    if part.records.factors is not None:
        beside[f"{split}.factors.npz"] = {name: np.array(values) for name, values in part.records.factors.items()}
    return beside


def _vocabulary(parts: Mapping[str, _Part], settings: Settings, learned: str | None) -> tuple[str, ...]:
    source = settings.source
    if not _bags(settings):
        others = [] if learned is None else subwords.pieces(learned)
        return vocabulary_of(parts["train"].words, settings.cleaning.unknown, settings.vocabulary, others)
    assert isinstance(source, Files)
    if source.vocabulary is not None:
        return (*SPECIALS, *read_vocabulary(source.vocabulary))
    names = {word for part in parts.values() for words in part.words for word in words}
    return (*SPECIALS, *sorted(names, key=numbered))


def _bags(settings: Settings) -> bool:
    return isinstance(settings.source, Files) and settings.source.format == "counts"


def _terms(settings: Settings) -> dict[str, Any]:
    source, chosen = settings.source, settings.selection
    terms: dict[str, Any] = {"format": source.format if isinstance(source, Files) else "generated"}
    if isinstance(source, Cafes):
        terms["generator"] = dataclasses.asdict(source)
    elif source.format == "counts":
        terms["presence"] = source.presence
    else:
        terms["cleaning"] = dataclasses.asdict(settings.cleaning)
    terms["selection"] = {key: value for key, value in dataclasses.asdict(chosen).items() if value not in (None, {})}
    return {**terms, "vocabulary_limit": settings.vocabulary, "preparation_version": PREPARATION_VERSION}
