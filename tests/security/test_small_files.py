"""A small file stays small: no page grows in memory, runs code, or says what cannot be printed or counted."""

import time
from pathlib import Path

import pytest

from tests.support.arbitrary_pages import BOMB, ask
from tests.support.models import write
from uncollapse.search_spaces import page_yaml
from uncollapse.study.errors import LONGEST, UserError

MARK = "marker"


def refused(folder: Path, text: str) -> str:
    path = write(folder / "page.yaml", text)
    with pytest.raises(ValueError, match=r"page\.yaml") as error:
        page_yaml.load(path)
    return str(error.value)


@pytest.mark.parametrize(
    "text",
    [BOMB, "a: &a [*a]\n", "&a {b: *a}\n", "a: &a " + "x" * 60_000 + "\nb: [*a, *a, *a, *a]\n"],
    ids=["billion laughs", "a list in itself", "a mapping in itself", "a long text five times"],
)
def test_what_grows_when_its_aliases_are_written_out(text: str, tmp_path: Path) -> None:
    started = time.perf_counter()
    assert "every alias written out" in refused(tmp_path, text) or "within itself" in refused(tmp_path, text)
    assert time.perf_counter() - started < 5


def test_aliases_of_what_is_small_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "page.yaml", "encoder: &part {hidden: 8}\ndecoder: *part\n")
    assert page_yaml.load(path) == {"encoder": {"hidden": 8}, "decoder": {"hidden": 8}}


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 50_000, "- " * 60_000, "? " * 60_000])
def test_what_is_nested_deeper_than_any_page(text: str, tmp_path: Path) -> None:
    assert "at most 50 levels" in refused(tmp_path, text)


def test_a_file_larger_than_any_page_is_not_read_whole(tmp_path: Path) -> None:
    assert "at most 262144 bytes" in refused(tmp_path, "a: " + "x" * 300_000)


@pytest.mark.parametrize(
    "value",
    [
        "!!python/object/apply:os.system ['touch marker']",
        "!!binary aGk=",
        "!!set {a}",
        "!!python/name:os.system",
        "!!bool x",
        "!!int ''",
        "!!float x",
        "!!timestamp x",
        "!own x",
        "!!str 3",
    ],
)
def test_a_page_carries_no_tags(value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "a page carries no tags" in refused(tmp_path, f"a: 1\nb: {value}\n")
    assert not (tmp_path / MARK).exists()


@pytest.mark.parametrize(
    "number", ["9" * 19, "1" + "0" * 400, "0x" + "f" * 5000, "9" * 5000, "0b_", "1:1" * 200 + ".0"]
)
def test_whole_numbers_that_no_arithmetic_holds(number: str, tmp_path: Path) -> None:
    assert "a whole number has at most 18 digits" in refused(tmp_path, f"seed: {number}\n")


def test_dates_are_words(tmp_path: Path) -> None:
    page = "study: 2026-11-21\nother: 2026-99-99\nmoment: 2026-11-21 10:00:00\n"
    found = page_yaml.load(write(tmp_path / "page.yaml", page))
    assert found == {"study": "2026-11-21", "other": "2026-99-99", "moment": "2026-11-21 10:00:00"}


@pytest.mark.parametrize("text", ['"\\0"', '"\\e[31m"', '"\\u2028"', '"\\x85"', '"a\\rb"'])
def test_control_characters_behind_escapes(text: str, tmp_path: Path) -> None:
    assert "no control characters" in refused(tmp_path, f"title: {text}\n")
    assert "no control characters" in refused(tmp_path, f"{text}: 1\n")


def test_texts_of_several_lines_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "page.yaml", "title: |\n  two\n  lines\npaper: 'ü文\N{GRINNING FACE}'\n")
    assert page_yaml.load(path) == {"title": "two\nlines\n", "paper": "ü文\N{GRINNING FACE}"}


def test_a_error_is_one_printable_line_of_bounded_length() -> None:
    long, strange = UserError(["x" * 10_000, "a\nb\x1b[31m\u2028\ud800"]).errors
    assert len(long) < LONGEST + 10
    assert strange == "a\\nb\\x1b[31m\\u2028\\ud800"


def test_what_was_found_is_quoted_and_not_poured_out(tmp_path: Path) -> None:
    page = write(
        tmp_path / "page.yaml", f"study: mine\ncorpus: {{name: cafes}}\nfamilies: [vmf]\nseed: '{'x' * 50_000}'\n"
    )
    answer = ask("plan", str(page), "--runs", str(tmp_path / "runs"), "--no-calibrate")
    assert answer.code == 2
    assert answer.errors[0].startswith("uncollapse: page.yaml: seed: a whole number from 0, found 'xxx")
    assert len(answer.err) < LONGEST + 50


def test_half_a_character_behind_an_escape(tmp_path: Path) -> None:
    assert "line 1: " in refused(tmp_path, 'title: "\\ud800"\n')
