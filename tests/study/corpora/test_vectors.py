"""Word vectors by path, in three formats."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from uncollapse.study.corpora.prepare import prepare
from uncollapse.study.corpora.vectors import read
from uncollapse.study.errors import UserError
from uncollapse.study.training.corpus_info import corpus_info_of

VOCABULARY = ("<pad>", "<unk>", "<bos>", "<eos>", "tea", "Tea", "cup", "absent")
ROWS = {"tea": [1.0, 2.0, 3.0], "cup": [4.0, 5.5, -6.0], "other": [7.0, 8.0, 9.0]}


def glove(path: Path) -> Path:
    path.write_text("".join(f"{word} {' '.join(map(str, row))}\n" for word, row in ROWS.items()), encoding="utf-8")
    return path


def word2vec(path: Path) -> Path:
    text = glove(path).read_text(encoding="utf-8")
    path.write_text(f"{len(ROWS)} 3\n{text}", encoding="utf-8")
    return path


def binary(path: Path) -> Path:
    rows = b"".join(word.encode() + b" " + np.array(row, "<f4").tobytes() + b"\n" for word, row in ROWS.items())
    path.write_bytes(f"{len(ROWS)} 3\n".encode() + rows)
    return path


@pytest.mark.parametrize("write", [glove, word2vec, binary])
def test_every_format_gives_the_same_rows(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    found = read(write(tmp_path / "words.bin"), VOCABULARY)
    assert found.known.tolist() == [False] * 4 + [True, True, True, False]
    assert found.table[4].tolist() == found.table[5].tolist() == ROWS["tea"]
    assert found.table[6].tolist() == ROWS["cup"]
    assert not found.table[~found.known].any()
    assert found.table.dtype == np.float32
    assert found.lowered == 1


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"tea 1 2 3\ncup 1 2\n", "line 2"),
        (b"tea 1 2 3\ncup 1 nan 3\n", "line 2"),
        (b"2 3\ntea 1 2 3\ncup x y z\n", "line 3"),
        (b"2 3\ntea " + np.ones(3, "<f4").tobytes() + b"\ncup " + b"\x00" * 5, "word 2 of 2"),
    ],
)
def test_a_damaged_file_is_refused_with_its_place(tmp_path: Path, content: bytes, place: str) -> None:
    (tmp_path / "words").write_bytes(content)
    with pytest.raises(UserError, match=place):
        read(tmp_path / "words", VOCABULARY)


def test_a_file_that_knows_no_word_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="a vector for no word"):
        read(glove(tmp_path / "words"), (*VOCABULARY[:4], "nothing"))


def test_coverage_is_told_and_vectors_reach_the_model(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("tea cup tea absent\n" * 40, encoding="utf-8")
    section = {"path": "train.txt", "format": "lines", "vectors": "words.txt"}
    word2vec(tmp_path / "words.txt")
    corpus = prepare(section, tmp_path / "cache", tmp_path)
    told = corpus.facts["vectors"]
    assert (told["dimensions"], told["types_covered"], told["tokens_covered"]) == (3, pytest.approx(2 / 3), 0.75)
    corpus_info = corpus_info_of(corpus)
    assert corpus_info.vectors is not None
    assert corpus_info.vectors[corpus.vocabulary.index("cup")].tolist() == ROWS["cup"]
    assert corpus_info.known is not None
    assert not corpus_info.known[corpus.vocabulary.index("absent")]
    (tmp_path / "words.txt").write_text("tea 0 0 1\n", encoding="utf-8")
    assert prepare(section, tmp_path / "cache", tmp_path).digest != corpus.digest


def test_vectors_that_are_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"corpus\.vectors: must name a file of word vectors"):
        prepare({"name": "cafes", "vectors": "nowhere.txt"}, tmp_path / "cache", tmp_path)
