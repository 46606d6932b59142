"""YAML pages: numbers as researchers write them, nothing twice, and errors with their line."""

import random
from pathlib import Path

import pytest

from tests.support.models import write
from uncollapse.search_spaces import page_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3),
        ("-2E+5", -2e5),
        ("1.5e3", 1500.0),
        ("+1e3", 1000.0),
        ("0.5", 0.5),
        ("3", 3),
        ("1e", "1e"),
        ("e3", "e3"),
        ("1e-3x", "1e-3x"),
        ("true", True),
        ("'1e-3'", "1e-3"),
        ("none", "none"),
        ("null", None),
    ],
)
def test_values(text: str, value: object, tmp_path: Path) -> None:
    found = page_yaml.load(write(tmp_path / "page.yaml", f"key: {text}\n"))["key"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "line"),
    [("a: 1\nb: 2\na: 3\n", 3), ("a:\n  b: 1\n  c: 2\n  b: 3\n", 4), ("x: {y: 1,\n y: 2}\n", 2)],
)
def test_a_key_given_twice_is_refused_with_its_line(text: str, line: int, tmp_path: Path) -> None:
    path = write(tmp_path / "page.yaml", text)
    with pytest.raises(ValueError, match=rf"page\.yaml, line {line}: the key '\w' is given twice"):
        page_yaml.load(path)


def test_the_same_key_in_two_places_is_not_twice(tmp_path: Path) -> None:
    path = write(tmp_path / "page.yaml", "a: {size: 1}\nb: {size: 2}\n")
    assert page_yaml.load(path) == {"a": {"size": 1}, "b": {"size": 2}}


@pytest.mark.parametrize("text", ["a: [1, 2\nb: 3\n", "a: b: c\n", "\ta: 1\n", "a: !!python/object:os.system {}\n"])
def test_what_is_not_yaml_is_refused_with_its_line(text: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"page\.yaml, line \d"):
        page_yaml.load(write(tmp_path / "page.yaml", text))


def test_a_control_character_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"page\.yaml: not YAML"):
        page_yaml.load(write(tmp_path / "page.yaml", "a: \x00\n"))


def test_what_is_not_utf8_is_refused_with_its_byte(tmp_path: Path) -> None:
    path = tmp_path / "page.yaml"
    path.write_bytes(b"title: caf\xe9\n")
    with pytest.raises(ValueError, match=r"page\.yaml: a page is UTF-8 text; byte 10 is not"):
        page_yaml.load(path)


def test_an_empty_page_holds_nothing(tmp_path: Path) -> None:
    assert page_yaml.load(write(tmp_path / "page.yaml", "# only a comment\n")) is None


def test_a_page_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        page_yaml.load(tmp_path / "page.yaml")


def test_yaml_elsewhere_is_left_as_it_was() -> None:
    import yaml

    assert yaml.safe_load("1e-3") == "1e-3"
    assert yaml.safe_load("{a: 1, a: 2}") == {"a": 2}


@pytest.mark.parametrize("text", ["seed: {{ seed }}\n", "? [a, b]\n: 3\n"])
def test_a_key_that_is_not_a_word_is_refused_with_its_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match=r"page\.yaml, line 1"):
        page_yaml.load(write(tmp_path / "page.yaml", text))


def identifiers(count: int) -> list[str]:
    """Names as we and others make them, and words that some reader of YAML takes for something else."""
    draw = random.Random(0)
    made = [f"{draw.getrandbits(32):08x}" for _ in range(count // 2)]
    made += [f"{draw.getrandbits(32) % 10**6:06d}e{draw.randrange(10)}" for _ in range(count // 10)]
    made += ["".join(draw.choices("0123456789abcdefE+-_.:", k=draw.randint(1, 16))) for _ in range(count // 5)]
    strange = "0123456789eE+-_.:,[]{}#&*!|>'\"%@`?~ \n\tnuloyNULOYéß\u4e2d\U0001f600"
    made += ["".join(draw.choices(strange, k=draw.randint(0, 200))) for _ in range(count // 5)]
    return [*made, "no", "on", "~", "", "null", "<<", "=", "2026-11-28", "12:30:45", "0x1f", "0o17", ".inf", "1_000"]


def test_what_is_written_reads_back_as_it_was(tmp_path: Path) -> None:
    every = identifiers(100_000)
    assert sum(bool(page_yaml.NUMBER.match(one)) for one in every) > 1000
    for start in range(0, len(every), 500):
        words = every[start : start + 500]
        content = {"words": words, **dict.fromkeys(words, start)}
        assert page_yaml.load(write(tmp_path / "page.yaml", page_yaml.dump(content))) == content


@pytest.mark.parametrize("value", [1e16, 1e-5, -0.0, 1e300, float("inf"), 10**18 - 1, True, None, [], {}, [[{"a": 1}]]])
def test_numbers_and_the_like_read_back_as_they_were(value: object, tmp_path: Path) -> None:
    for flow in (False, True):
        found = page_yaml.load(write(tmp_path / "page.yaml", page_yaml.dump({"key": value}, flow)))["key"]
        assert (found, type(found)) == (value, type(value))


def test_what_stands_twice_is_written_twice() -> None:
    shared = {"size": 1}
    assert page_yaml.dump({"a": shared, "b": shared}) == "a:\n  size: 1\nb:\n  size: 1\n"


@pytest.mark.parametrize("value", ["\x1b[2J", "a\x00b", "\udc80", "\u2028", 10**18, -(10**30)])
def test_what_no_page_can_hold_is_not_written(value: object) -> None:
    with pytest.raises(ValueError, match=r"^corpus\.path\[1\]: a "):
        page_yaml.dump({"corpus": {"path": ["fine", value]}})
