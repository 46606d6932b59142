"""Small corpus files that would fill memory or end the process, and columns that mean two things."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.models import write
from uncollapse.study.corpora.check import check
from uncollapse.study.corpora.prepare import prepare
from uncollapse.study.errors import UserError

LINES = "a b c\n" * 20


def refused(folder: Path, section: dict[str, Any]) -> str:
    """The one error of a corpus, which leaves nothing prepared."""
    with pytest.raises(UserError) as error:
        prepare(section, folder / "cache", folder)
    assert not [path for path in (folder / "cache").glob("*") if path.suffix != ".lock"]
    (error,) = error.value.errors
    return error


def test_counts_of_more_words_than_memory_holds(tmp_path: Path) -> None:
    line = "0 " + " ".join(f"{number}:1000000" for number in range(1, 60))
    write(tmp_path / "train.txt", f"{line}\n" * 3000)
    section = {"path": "train.txt", "format": "counts"}
    assert "line 2: 100,000,000 words are counted at most" in refused(tmp_path, section)
    assert "line 2: 100,000,000 words are counted at most" in check(section, tmp_path)[0]


def test_presence_of_words_is_not_counted_against_it(tmp_path: Path) -> None:
    write(tmp_path / "train.txt", "0 1:1000000 2:1000000\n" * 20)
    corpus = prepare({"path": "train.txt", "format": "counts", "presence": True}, tmp_path / "cache", tmp_path)
    assert len(corpus.split("train").tokens) == 2 * len(corpus.split("train"))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"1 999999999999\na", "vectors have 1 to 10,000 dimensions, these are said to have 999999999999"),
        (b"1 " + b"9" * 4000 + b"\na", "vectors have 1 to 10,000 dimensions"),
        (b"2 0\na\nb\n", "vectors have 1 to 10,000 dimensions, these are said to have 0"),
        (b"3 4", "4 finite numbers of four bytes must stand here"),
    ],
)
def test_vectors_whose_first_line_promises_too_much(content: bytes, sentence: str, tmp_path: Path) -> None:
    write(tmp_path / "train.txt", LINES)
    (tmp_path / "vectors").write_bytes(content)
    assert sentence in refused(tmp_path, {"path": "train.txt", "format": "lines", "vectors": "vectors"})


def test_more_subwords_than_the_trainer_can_reserve(tmp_path: Path) -> None:
    write(tmp_path / "train.txt", LINES)
    section = {"path": "train.txt", "format": "lines", "tokenizer": "subwords", "subwords": 10**9}
    assert "corpus.subwords: must be a whole number from 8 to 1,000,000" in refused(tmp_path, section)


@pytest.mark.parametrize(("form", "joint"), [("csv", ","), ("tsv", "\t")])
def test_a_column_that_stands_there_twice(form: str, joint: str, tmp_path: Path) -> None:
    rows = [("text", "text", "label"), *[("a b", "c d", "x")] * 20]
    write(tmp_path / "train", "".join(joint.join(row) + "\n" for row in rows))
    section = {"path": "train", "format": form, "text": "text", "label": "label"}
    assert "line 1: column 'text' stands there twice" in refused(tmp_path, section)


def test_another_column_that_stands_there_twice_is_nobodys_business(tmp_path: Path) -> None:
    write(tmp_path / "train", "text,more,more\n" + "a b,c,d\n" * 20)
    section = {"path": "train", "format": "csv", "text": "text", "tokenizer": "spaces"}
    assert len(prepare(section, tmp_path / "cache", tmp_path).split("train")) == 16


def test_a_key_that_is_given_twice_in_an_object(tmp_path: Path) -> None:
    write(tmp_path / "train", '{"text": "a b"}\n' * 20 + '{"text": "a", "text": "b"}\n')
    assert "line 21: not valid JSON ('text' is given twice)" in refused(
        tmp_path, {"path": "train", "format": "jsonl", "text": "text"}
    )
