"""Readers of the tasks' files, in the formats in which they are handed round (as SentEval's scripts leave them).

Every reader takes a folder and returns its parts; a `UserError` names each line at error, a few of a file.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from uncollapse.search_spaces import page_yaml
from uncollapse.study.corpora.files import few, lines_of
from uncollapse.study.errors import UserError
from uncollapse.study.transfer.splits import Part


class Row(NamedTuple):
    """One sentence or pair, and its class or grade."""

    first: str
    second: str | None
    gold: float


class Bad(ValueError):
    """A line is not what its format asks for; the sentence says what is."""


Parse = Callable[[str], Row | None]  # of a line; None where there is no gold, `Bad` where it is wrong


def two_files(negative: str, positive: str, folder: Path) -> Mapping[str, Part]:
    """A file of sentences for each of two classes, as MR and CR; no split."""
    rows = [
        row
        for gold, name in enumerate((negative, positive))
        for row in _rows(folder / name, lambda line, gold=gold: Row(line, None, gold))  # type: ignore[misc]
    ]
    return {"whole": _part(rows, whole=True)}


def sentiment(classes: int, folder: Path) -> Mapping[str, Part]:
    """The Stanford Sentiment Treebank: `sentence <tab> class` of two classes, `class sentence` of five."""

    def binary(line: str) -> Row:
        text, _, label = line.rpartition("\t")
        return Row(text, None, _class(label, classes))

    def fine(line: str) -> Row:
        label, _, text = line.partition(" ")
        return Row(text, None, _class(label, classes))

    parse = binary if classes == 2 else fine
    return {part: _part(_rows(folder / f"sentiment-{part}", parse), whole=True) for part in ("train", "dev", "test")}


def questions(names: Sequence[str], folder: Path) -> Mapping[str, Part]:
    """TREC's `COARSE:fine question`; the coarse class counts."""

    def parse(line: str) -> Row:
        label, _, text = line.partition(" ")
        return Row(text, None, _named(label.partition(":")[0], names))

    files = {"train": "train_5500.label", "test": "TREC_10.label"}
    return {part: _part(_rows(folder / name, parse), whole=True) for part, name in files.items()}


def paraphrases(folder: Path) -> Mapping[str, Part]:
    """MRPC: `quality, id, id, sentence, sentence` by tabs under a header."""

    def parse(line: str) -> Row:
        label, _, _, first, second = _columns(line, 5)
        return Row(first, second, _class(label, 2))

    files = {part: folder / f"msr_paraphrase_{part}.txt" for part in ("train", "test")}
    return {part: _part(_rows(path, parse, header=True), whole=True) for part, path in files.items()}


def sick_entailment(names: Sequence[str], folder: Path) -> Mapping[str, Part]:
    """SICK's judgement of entailment."""
    return _sick(folder, lambda columns: _named(columns[4], names), whole=True)


def sick_relatedness(folder: Path) -> Mapping[str, Part]:
    """SICK's score of relatedness, 1 to 5."""
    return _sick(folder, lambda columns: _grade(columns[3], 1, 5), whole=False)


def _sick(folder: Path, gold: Callable[[Sequence[str]], float], whole: bool) -> Mapping[str, Part]:
    """`id, sentence, sentence, score, judgement` by tabs under a header."""

    def parse(line: str) -> Row:
        columns = _columns(line, 5)
        return Row(columns[1], columns[2], gold(columns))

    files = {"train": "SICK_train.txt", "dev": "SICK_trial.txt", "test": "SICK_test_annotated.txt"}
    return {part: _part(_rows(folder / name, parse, header=True), whole) for part, name in files.items()}


def benchmark(folder: Path) -> Mapping[str, Part]:
    """The STS benchmark: tabs in spite of its name, `genre, file, year, id, score, sentence, sentence`, no quoting."""

    def parse(line: str) -> Row:
        columns = _columns(line, 7)
        return Row(columns[5], columns[6], _grade(columns[4], 0, 5))

    return {part: _part(_rows(folder / f"sts-{part}.csv", parse), whole=False) for part in ("train", "dev", "test")}


def similarity(folder: Path) -> Mapping[str, Part]:
    """STS of one year: for each subset `STS.input.NAME.txt`, a pair a line, and `STS.gs.NAME.txt`, a score or nothing.

    Pairs without a score were not judged, and are left out; the file of all subsets is not read.
    """
    prefix, suffix = "STS.input.", ".txt"
    inputs = sorted(path for path in folder.glob(f"{prefix}*{suffix}") if path.name != f"{prefix}ALL{suffix}")
    if not inputs:
        raise UserError(f"{folder}: a year of STS has files called {prefix}NAME{suffix}, and there are none here")
    parts = {}
    for path in inputs:
        name = path.name.removeprefix(prefix).removesuffix(suffix)
        parts[name] = _scored(path, folder / f"STS.gs.{name}.txt")
    return parts


def _scored(pairs: Path, scores: Path) -> Part:
    texts, golds = _lines(pairs), _lines(scores)
    if len(texts) != len(golds):
        raise UserError(f"{scores}: a line for each of the {len(texts)} pairs in {pairs.name}, found {len(golds)}")

    def parse(line: str) -> Row | None:
        pair, _, score = line.rpartition("\t")
        first, second = _columns(pair, 2)[:2]
        return Row(first, second, _grade(score, 0, 5)) if score.strip() else None

    joined = (f"{text}\t{gold}" for text, gold in zip(texts, golds, strict=True))
    return _part(_parsed(joined, pairs, parse), whole=False)


def _rows(path: Path, parse: Parse, header: bool = False) -> list[Row]:
    return _parsed(_lines(path)[header:], path, parse, first=1 + header)


def _parsed(lines: Iterable[str], path: Path, parse: Parse, first: int = 1) -> list[Row]:
    rows, errors = [], []
    for number, line in enumerate(lines, first):
        try:
            row = parse(line) if line.strip() else None
        except Bad as error:
            errors.append(f"{path} line {number}: {error}")
            continue
        rows += [] if row is None else [row]
    if errors:
        raise UserError(few(errors))
    if not rows:
        raise UserError(f"{path}: sentences are expected, and there are none; name the folder of the whole task")
    return rows


def _lines(path: Path) -> list[str]:
    """Lines of UTF-8, or of Latin-1, in which the older sets are handed round."""
    if (wrong := page_yaml.no_file(path)) is not None:
        raise UserError(wrong)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: a file of the task, which cannot be read ({error.strerror})") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return lines_of(text.replace("\r\n", "\n").replace("\r", "\n"))


def _part(rows: Sequence[Row], whole: bool) -> Part:
    """Columns of the rows, with `whole` numbers as gold or any."""
    gold = np.array([row.gold for row in rows], np.int64 if whole else np.float64)
    paired = rows[0].second is not None
    return Part([row.first for row in rows], [row.second or "" for row in rows] if paired else None, gold)


def _columns(line: str, least: int) -> list[str]:
    found = line.split("\t")
    if len(found) < least:
        raise Bad(f"{least} columns are expected, separated by tabs, found {len(found)}")
    return found


def _class(text: str, classes: int) -> int:
    if not (text.strip().isdecimal() and int(text) < classes):
        raise Bad(f"a class from 0 to {classes - 1} is expected, found {text.strip()[:20]!r}")
    return int(text)


def _named(text: str, names: Sequence[str]) -> int:
    if text.strip() not in names:
        raise Bad(f"one of {', '.join(names)} is expected, found {text.strip()[:20]!r}")
    return names.index(text.strip())


def _grade(text: str, lowest: int, highest: int) -> float:
    try:
        grade = float(text)
    except ValueError:
        grade = math.nan
    if not lowest <= grade <= highest:
        raise Bad(f"a score from {lowest} to {highest} is expected, found {text.strip()[:20]!r}")
    return grade
