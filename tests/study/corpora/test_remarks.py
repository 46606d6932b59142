"""What is said of a prepared corpus, and what cannot be trained on."""

from pathlib import Path

import pytest

from tests.support.corpora import write
from uncollapse.study.corpora.prepare import prepare
from uncollapse.study.errors import UserError

LINES = [f"the cup number {i % 7} is warm" for i in range(60)]


def said_of(folder: Path, content: str, name: str = "a.txt", /, **section: object) -> list[str]:
    """What is said of a corpus, where it is made and where it is in the cache."""
    write(folder / name, content)
    told: list[list[str]] = []
    for _ in range(2):
        told.append([])
        prepare({"path": name, **section}, folder / "cache", folder, told[-1].append)
    first, again = ([one for one in sentences if one.startswith("corpus: ")] for sentences in told)
    assert first == again
    return first


def test_unknown_words_are_always_said(tmp_path: Path) -> None:
    assert said_of(tmp_path, "\n".join(LINES)) == ["corpus: unknown words: 0.0% of valid, 0.0% of test"]


def test_many_unknown_words_are_said_with_what_to_do(tmp_path: Path) -> None:
    (said,) = said_of(tmp_path, "\n".join(f"{line} w{i} x{i}" for i, line in enumerate(LINES)))
    assert "% of valid" in said
    assert "`tokenizer: subwords`" in said


def test_a_text_without_spaces_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"at most 80% of the words of valid may be unknown.*has 100%.*subwords"):
        said_of(tmp_path, "\n".join(f"\u6211\u5011{chr(0x4E00 + i)}\u9910\u5ef3" for i in range(60)))
    assert not list((tmp_path / "cache").glob("*/")), "what is refused is not kept"


def test_a_vocabulary_that_a_user_made_small_is_the_user_s_affair(tmp_path: Path) -> None:
    (said,) = said_of(tmp_path, "\n".join(LINES), vocabulary=1)
    assert said.startswith("corpus: unknown words: 8")


def test_rows_are_said_against_lines(tmp_path: Path) -> None:
    rows = [*LINES, '"two\nlines"']
    said, _ = said_of(tmp_path, "\n".join(["text", *rows]), "a.csv", text="text", tokenizer="spaces")
    assert said == "corpus: train is 49 of 61 drawn from a.csv (61 rows read of 63 lines) with seed 0"


def test_a_sentence_far_longer_than_the_others_is_said(tmp_path: Path) -> None:
    write(tmp_path / "v.txt", "\n".join(LINES))
    write(tmp_path / "t.txt", "\n".join([*LINES, "the cup is warm " * 500]))
    told: list[str] = []
    section = {"path": ".", "train": "t.txt", "valid": "v.txt", "test": "v.txt"}
    prepare(section, tmp_path / "cache", tmp_path, told.append)
    assert "corpus: the longest sentence of train has 2,000 words and the mean 39; " in told[-1]
    assert "`max_words:`" in told[-1]
