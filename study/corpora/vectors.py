"""Word vectors by path: word2vec's text and binary formats and GloVe's text, read row by row.

Shapes: V vocabulary, E dimensions.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from uncollapse.study.errors import UserError

PROBE = 4096
LONGEST_WORD = 1000
MOST_DIMENSIONS = 10_000
Row = tuple[str, np.ndarray]


class Vectors(NamedTuple):
    """Rows of the vocabulary: (V, E) float32, zeros where `known` (V,) is false; how many were found in lower case."""

    table: np.ndarray
    known: np.ndarray
    lowered: int


def read(path: Path, vocabulary: Sequence[str]) -> Vectors:
    """The vectors of a vocabulary; a word that the file lacks is looked up in lower case.

    Only the vocabulary's rows are kept in memory, however large the file.

    Raises:
        UserError: not such a file, with the line or the row at error.
    """
    wanted = {word: number for number, word in enumerate(vocabulary)}
    lowered: dict[str, list[int]] = {}
    for word, number in wanted.items():
        if word.lower() != word:
            lowered.setdefault(word.lower(), []).append(number)
    exact: dict[int, np.ndarray] = {}
    second: dict[int, np.ndarray] = {}
    size = 0
    for word, vector in _rows(path):
        size = len(vector)
        if word in wanted:
            exact.setdefault(wanted[word], vector)
        for number in lowered.get(word, ()):
            second.setdefault(number, vector)
    found = {**second, **exact}
    if not found:
        raise UserError(f"corpus.vectors: {path.name} has a vector for no word of the training text; check the file")
    table, known = np.zeros((len(vocabulary), size), np.float32), np.zeros(len(vocabulary), bool)
    for number, vector in found.items():
        table[number], known[number] = vector, True
    return Vectors(table, known, len(second.keys() - exact.keys()))


def _rows(path: Path) -> Iterator[Row]:
    try:
        with path.open("rb") as file:
            probe = file.read(PROBE)
            file.seek(0)
            header = _header(probe)
            if header is None:
                yield from _text(file, path, None)
                return
            file.readline()
            _refuse_size(header[1], path)
            if _is_text(probe.partition(b"\n")[2], header[1]):
                yield from _text(file, path, header[1])
            else:
                yield from _binary(file, path, *header)
    except OSError as error:
        raise UserError(f"corpus.vectors: {path} cannot be read ({error.strerror}); check its permissions") from error


def _header(probe: bytes) -> tuple[int, int] | None:
    """word2vec's first line, how many words of how many dimensions; GloVe's files have none."""
    fields = probe.split(b"\n", 1)[0].split()
    if len(fields) == 2 and all(field.isdigit() for field in fields):
        return int(fields[0]), int(fields[1])
    return None


def _refuse_size(size: int, path: Path) -> None:
    if not 1 <= size <= MOST_DIMENSIONS:
        raise UserError(
            f"corpus.vectors: {path.name}, line 1: vectors have 1 to {MOST_DIMENSIONS:,} dimensions, these are said "
            f"to have {size}; name a file in word2vec's or GloVe's format"
        )


def _is_text(body: bytes, size: int) -> bool:
    """Whether the first row is a word and `size` numbers in letters."""
    fields = body.split(b"\n", 1)[0].split()
    try:
        return len([float(field) for field in fields[1 : size + 1]]) == min(size, max(len(fields) - 1, 0)) > 0
    except ValueError:
        return False


def _text(file: BinaryIO, path: Path, size: int | None) -> Iterator[Row]:
    for number, line in enumerate(file, 1 if size is None else 2):
        fields = line.decode("utf-8", "replace").rstrip().split(" ")
        if size is None:
            size = len(fields) - 1
        try:
            vector = np.array(fields[-size:], np.float32)
        except ValueError:
            vector = np.zeros(0, np.float32)
        if size < 1 or len(fields) < size + 1 or not np.isfinite(vector).all() or len(vector) != size:
            raise UserError(
                f"corpus.vectors: {path.name}, line {number}: a word and {max(size, 1)} finite numbers must stand "
                "here; mend the line, or name a file in word2vec's or GloVe's format"
            )
        yield " ".join(fields[:-size]), vector


def _binary(file: BinaryIO, path: Path, count: int, size: int) -> Iterator[Row]:
    for number in range(1, count + 1):
        word = bytearray()
        while (char := file.read(1)) not in (b" ", b"") and len(word) < LONGEST_WORD:
            word += char if char != b"\n" else b""
        data = file.read(4 * size)
        vector = np.frombuffer(data, "<f4") if len(data) == 4 * size else np.array([np.nan], np.float32)
        if not np.isfinite(vector).all():
            raise UserError(
                f"corpus.vectors: {path.name}, word {number} of {count:,}: {size} finite numbers of four bytes must "
                "stand here; the file is cut short or of another format"
            )
        yield word.decode("utf-8", "replace"), vector
