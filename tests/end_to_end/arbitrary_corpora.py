"""Corpora as nobody means them: files of every format, mostly sound, with something wrong in most of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

HEADS: Mapping[str, str] = {"csv": "text,label", "tsv": "text\tlabel"}
SOUND: Mapping[str, Sequence[str]] = {
    "lines": ("a b c", "b ü", "c d e f g", "文 字", "a"),
    "csv": ("a b c,x", '"a, b",y', '"a ""b""",x'),
    "tsv": ("a b c\tx", "a, b\ty", "ü\tx"),
    "jsonl": (
        '{"text": "a b", "label": "x"}',
        '{"text": "c ü", "label": 3}',
        '{"label": "y", "text": "d", "more": [1]}',
    ),
    "counts": ("0 1:2 2:1", "1 3:1 4:5", "1 2:1", "x 9:3"),
}
STRANGE: Mapping[str, Sequence[str]] = {
    "lines": ("", "   ", "\t", "\x00", "\x0b", "\u2028", "<eos>", "a <pad> b", "w " * 100_000, "x" * 200_000),
    "csv": (
        "",
        "a",
        "a,b,c",
        '"a',
        'a"b,c',
        "a,",
        ",x",
        '"a\nb",x',
        "'a,b',c",
        "x" * 200_000 + ",y",
        "text,label",
        "\x00,x",
    ),
    "tsv": ("", "a", "a\tb\tc", '"a\tb', "a\t", "\tx", "a,b", "<bos>\tx", "a\t \t"),
    "jsonl": (
        "",
        "{",
        "[]",
        "null",
        "3",
        "NaN",
        "[" * 3000,
        "9" * 5000,
        '{"text": "a"}',
        '{"text": 3, "label": 1}',
        '{"text": "a", "text": "b", "label": 0}',
        '{"text": "\\ud800", "label": "x"}',
        '{"text": "", "label": ""}',
        '{"text": "a", "label": true}',
        '{"text": "a", "label": null}',
        '{"text": "a", "label": 1e999}',
        "{'text': 'a'}",
    ),
    "counts": (
        "",
        "x",
        "1:2",
        "0 1:1 1:1",
        "0 0:1",
        "0 1:0",
        "0 1:9999999",
        "0 1",
        "0 a:b",
        "0 ٣:1",
        "0 1:1:1",
        "0 -1:2",
        "0 " + " ".join(f"{i}:1000000" for i in range(1, 120)),
        "0 " + "9" * 5000 + ":1",
        "0",
        "0 99999999999:1",
    ),
}
VECTORS = (
    b"",
    b"a 1 2\nb 3 4\n",
    b"2 2\na 1 2\nb 3 4\n",
    b"3 4",
    b"2 0\na\nb\n",
    b"1 999999999999\na",
    b"1 2\na \x00\x00\x80?\x00\x00\x80?",
    b"1 2\na \x00",
    b"a nan 1\n",
    b"a 1\nb 1 2\n",
    b"\xff\xfe",
)


@st.composite
def corpora(draw: DrawFn, form: str) -> tuple[dict[str, Any], dict[str, bytes]]:
    """A `corpus:` section of a format and the files that it names."""
    rows = draw(_rows("lines" if form == "labelled" else form))
    section: dict[str, Any] = {"path": "train.txt", "format": form}
    files = {"train.txt": draw(_written("\n".join(rows)))}
    if form == "labelled":
        labels = draw(st.sampled_from((["x"] * len(rows), ["x", "y"] * len(rows), [""] * len(rows), ["\x00"])))
        files["labels.txt"] = "\n".join(labels[: len(rows)]).encode()
        section["labels"] = "labels.txt"
    if form in ("csv", "tsv", "jsonl"):
        section |= {"text": "text", "label": draw(st.sampled_from(("label", "label", "lable"))), "tokenizer": "spaces"}
    if form in ("csv", "tsv"):
        section["quoted"] = draw(st.sampled_from((True, True, False)))
    if draw(st.integers(0, 4)) == 0:
        files["vectors.txt"] = draw(st.sampled_from(VECTORS))
        section["vectors"] = "vectors.txt"
    return section, files


@st.composite
def _rows(draw: DrawFn, form: str) -> list[str]:
    """Twenty sound rows or fewer under their header, up to two of them strange, sometimes the header too."""
    rows = list(SOUND[form]) * draw(st.sampled_from((0, 1, 10, 10, 10)))
    for _ in range(draw(st.integers(0, 2))):
        rows.insert(draw(st.integers(0, len(rows))), draw(st.sampled_from(STRANGE[form])))
    if form in HEADS:
        heads = (HEADS[form], HEADS[form], HEADS[form], "text,text,label", "text", "", '"text', "\ufefftext,label")
        rows.insert(0, draw(st.sampled_from(heads)))
    return rows


def _written(text: str) -> SearchStrategy[bytes]:
    """Bytes of a file: as it should be, with other line ends, cut short, in another encoding, or something else."""
    usual = text.encode("utf-8", "replace")
    sound = st.sampled_from((usual, usual, usual, usual + b"\n", text.replace("\n", "\r\n").encode("utf-8", "replace")))
    spoilt = (
        usual[:-1],
        b"\xef\xbb\xbf" + usual,
        text.encode("utf-16"),
        text.encode("latin-1", "replace"),
        usual + b"\xff",
    )
    return st.one_of(sound, sound, sound, st.sampled_from(spoilt), st.binary(max_size=100))
