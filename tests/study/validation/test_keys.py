"""The engine that reads annotated sections: every kind of type, in errors and in words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import pytest

from uncollapse.models.configuration.bounds import Bound, Fraction, Open, Share, Size
from uncollapse.study.validation.annotations import Help, Rule, in_words
from uncollapse.study.validation.keys import keys, read, section_errors

Split = Literal["train", "valid"]


@dataclass(frozen=True)
class Inner:
    share: Annotated[Open | Size, Rule("a share or a number", remedy="; write for example 0.1")] = 0.1


@dataclass(frozen=True)
class Outer:
    needed: Annotated[str, Rule("the name of a column"), Help("where the sentences are")]
    size: Annotated[Size, Help("how many")] = 1
    most: Size | None = None
    each: Size | Mapping[Split, Size] | None = None
    word: Literal["strong", "weak"] = "strong"
    files: Annotated[str | list[str], Rule("a file name or a list of file names")] = ""
    many: list[Size] = field(default_factory=list)
    switch: bool = False
    number: Share = 0.5
    pieces: Annotated[int, Bound(low=8, high=10**6)] = 8
    judged: Annotated[int, Rule("an even number", lambda value: None if value == 2 else f"no two: {value!r}")] = 2
    inner: Inner = field(default_factory=Inner)


SOUND: dict[str, Any] = {
    "needed": "text",
    "size": 3,
    "most": None,
    "each": {"train": 2},
    "word": "weak",
    "files": ["a", "a"],
    "many": [1, 1],
    "switch": True,
    "number": 1,
    "pieces": 10**6,
    "judged": 2,
    "inner": {"share": 7},
}


def test_a_sound_section_becomes_its_dataclass() -> None:
    assert section_errors("outer", Outer, SOUND) == []
    assert read(Outer, SOUND) == Outer(**{**SOUND, "inner": Inner(7)})


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"sise": 3}, "outer.sise: unknown key of outer 'sise'; did you mean 'size'? known: each, files, inner, "),
        ({"size": 0}, "outer.size: must be at least 1, found 0"),
        ({"size": "3"}, "outer.size: must be a whole number, found '3'; write a number without quotes"),
        ({"size": None}, "outer.size: must be a whole number, found None"),
        ({"most": 0}, "outer.most: must be at least 1, found 0"),
        ({"each": 0}, "outer.each: must be at least 1, found 0"),
        ({"each": {"train": 0}}, "outer.each.train: must be at least 1, found 0"),
        ({"each": {"trian": 1}}, "outer.each.trian: unknown key of outer.each 'trian'; did you mean 'train'? known: "),
        ({"word": "week"}, "outer.word: must be one of strong, weak, found 'week'; did you mean 'weak'?"),
        ({"files": []}, "outer.files: a file name or a list of file names, found []"),
        ({"files": 3}, "outer.files: a file name or a list of file names, found 3; put it in quotes if YAML reads it "),
        ({"many": []}, "outer.many: must be a list of at least one item, found []"),
        ({"many": [1, 0]}, "outer.many, item 2: must be at least 1, found 0"),
        ({"switch": "yes"}, "outer.switch: must be true or false, found 'yes'; write true or false without quotes"),
        ({"number": 1.5}, "outer.number: must be at most 1, found 1.5"),
        ({"pieces": 7}, "outer.pieces: must be a whole number from 8 to 1,000,000, found 7"),
        ({"judged": 3}, "outer.judged: no two: 3"),
        ({"inner": 3}, "outer.inner: a mapping of share, found 3"),
        ({"inner": {"share": 1.5}}, "outer.inner.share: a share or a number, found 1.5; write for example 0.1"),
        ({"inner": {"share": True}}, "outer.inner.share: a share or a number, found True; write for example 0.1"),
    ],
)
def test_errors(changes: dict[str, Any], error: str) -> None:
    (found,) = section_errors("outer", Outer, {**SOUND, **changes})
    assert found.startswith(error)


def test_a_needed_key_is_told_with_its_meaning() -> None:
    (found,) = section_errors("outer", Outer, {})
    assert found == "outer.needed: the name of a column, found none; add `needed:`, where the sentences are"


def test_what_is_at_error_is_read_as_its_default() -> None:
    assert read(Outer, {"needed": "text", "size": 0, "inner": {"share": 2.5}, "most": 4}) == Outer("text", most=4)


def test_keys_are_data() -> None:
    found = {key.name: key for key in keys(Outer)}
    assert found["needed"].needed
    assert (found["size"].meaning, found["size"].default, found["size"].needed) == ("how many", 1, False)
    assert found["inner"].default == Inner()


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (Size, "a whole number from 1"),
        (Share, "a number from 0 to 1"),
        (Open, "a number above 0 and below 1"),
        (Fraction, "a number above 0 and at most 1"),
        (Size | None, "a whole number from 1"),
        (bool | str, "true or false, or a word"),
        (Literal["a", "b"], "one of a, b"),
        (tuple[Literal["a", "b"], ...], "a list, each item one of a, b, none twice"),
        (list[str], "a list, each item a word"),
        (Mapping[Split, Size], "a mapping from any of train, valid to a whole number from 1"),
        (Inner, "a mapping of share"),
    ],
)
def test_types_in_words(annotation: Any, words: str) -> None:
    assert in_words(annotation) == words
