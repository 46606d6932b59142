"""Pages, corpora and exported files as nobody means them, and the command's answer to each."""

import copy
import io
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from uncollapse.cli.main import main

Place = tuple[Any, ...]
LONG = "x" * 5000
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 3.5, -0.0, 10**9, 10**17, -(10**17), 10**400),
    *(1e-320, 1e308, float("nan"), float("inf"), float("-inf")),
    *(
        "",
        " ",
        "\n",
        "none",
        "x",
        "1e-3",
        "1:30",
        "2024-01-01",
        "=",
        "<<",
        "~",
        "*",
        "null",
        LONG,
        "ü",
        "文",
        "\u202e",
        "\ud800",
    ),
    *("\x00", "\x1b[31m", "a\nb: c", "../../x", "/etc/passwd", "~nobody/x", ".", "..", "own.yaml", "a" * 300 + ".yaml"),
    *(
        [],
        {},
        [[]],
        [{}],
        [None],
        ["x", "x"],
        [1, 2],
        [2, 1],
        [0, float("nan")],
        {"kind": "none"},
        {"kind": []},
        {1: 2},
    ),
    *({"": ""}, {"choice": []}, {"choice": [[1], {}]}, {"float": [0, 1]}, {"int": [1, 10**17], "log": True}),
    *(
        {"float": [0, 1], "log": True},
        {"one_of": {"constant": 3}},
        {"one_of": {"linear": None}},
        {"space": "annealing"},
    ),
    *({"space": {}}, {"float": ["a", "b"]}, {"int": [0.5, 1]}, {"train": "train.txt"}, {"train": 0.5, "valid": 2}),
)
TEXTS = (
    *(
        "&a ",
        "*a",
        "!!python/object/apply:os.system [x]",
        "!!binary aGk=",
        "!!float x",
        "!!bool x",
        "!!int ''",
        "!!set {a}",
    ),
    *(
        "!!timestamp x",
        "! ",
        "? ",
        ": ",
        "- ",
        "[",
        "]",
        "{",
        "}",
        "|",
        ">",
        "'",
        '"',
        "\t",
        "#",
        "%YAML 9.9\n",
        "---\n",
    ),
    *(
        "...\n",
        "\n",
        "\r",
        "\x00",
        "\x07",
        "\x85",
        "\u2028",
        "\ufeff",
        "\ufffe",
        "<<: *a\n",
        '"\\ud800"',
        '"\\0"',
        "1e999",
    ),
    *("0x" + "f" * 5000, "9" * 5000, "0b_", "0x_", "1:1" * 200 + ".0", ".nan", "2001-99-99", "=", "\N{GRINNING FACE}"),
)
BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 12)
)
DOCUMENTS = (
    *(
        "",
        "#",
        "---",
        "null",
        "3",
        "[]",
        "{}",
        "study",
        "- study\n",
        "a: &a [*a]\n",
        "&a [*a]",
        "*a",
        "a: b: c",
        "\ufeff",
    ),
    *("[" * 100_000, "{a: " * 50_000, "- " * 60_000, "? " * 60_000, "a:\n" + " " * 9999 + "b", "'" + LONG, "|" + LONG),
    *("a: &a b\n" * 20_000, "x: [" + "&a [], " * 20_000, "--- a\n" * 20_000, "# " + "y" * 300_000, BOMB),
    *("a: " + "x" * 300_000, "".join(f"k{i}: 1\n" for i in range(2000)), "!!python/object/apply:os.system ['true']"),
)


class Answer(NamedTuple):
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def errors(self) -> list[str]:
        return self.err.splitlines()


def ask(*words: str) -> Answer:
    """Run a command in this process; what it says passes through streams as strict as a terminal's."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors=how) for how in ("strict", "backslashreplace"))
    with redirect_stdout(out), redirect_stderr(err):
        code = main(words)
    said = []
    for stream in (out, err):
        stream.flush()
        said.append(stream.buffer.getvalue().decode("utf-8"))  # type: ignore[attr-defined]
    return Answer(code, *said)


def listing(folder: Path) -> dict[str, int]:
    """Every file and folder with its size, -1 for a folder."""
    return {str(path): path.stat().st_size if path.is_file() else -1 for path in sorted(folder.rglob("*"))}


def places(value: Any, here: Place = ()) -> Iterator[Place]:
    """Where every value inside another stands, itself included."""
    yield here
    inner = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, held in inner:
        yield from places(held, (*here, key))


@st.composite
def mutated(draw: DrawFn, page: Mapping[str, Any]) -> Any:
    """A page with one to three of its values changed, taken out, renamed or joined by another."""
    changed: Any = copy.deepcopy(dict(page))
    for _ in range(draw(st.integers(1, 3))):
        changed = _edited(changed, draw(st.sampled_from(list(places(changed)))), draw)
    return changed


def _edited(page: Any, place: Place, draw: DrawFn) -> Any:
    value = copy.deepcopy(draw(st.sampled_from(VALUES)))
    if not place:
        return value if draw(st.integers(0, 9)) == 0 or not isinstance(page, dict) else {**page, "strange": value}
    holder = page
    for key in place[:-1]:
        holder = holder[key]
    last, how = place[-1], draw(st.sampled_from(("change", "change", "change", "remove", "rename", "add")))
    if how == "change":
        holder[last] = value
    elif how == "remove":
        del holder[last]
    elif isinstance(holder, dict):
        key = draw(st.sampled_from(("strange", "", "a b", LONG, "\x1b[31m", 7, True, 1.5, "ü", "\n", f"{last}x")))
        holder[key] = holder.pop(last) if how == "rename" else value
    else:
        holder.append(value)
    return page


def dumped(page: Any) -> bytes:
    return yaml.safe_dump(page, sort_keys=False).encode("utf-8", "surrogatepass")


def documents(valid: Any) -> SearchStrategy[bytes]:
    """YAML files: mutated values, mutated text, a line twice, raw bytes, and whatever else is known to break readers."""
    text = dumped(valid).decode()
    return st.one_of(
        mutated(valid).map(dumped),
        mutated(valid).map(dumped),
        _annotated(text),
        _spliced(text),
        _doubled(text),
        st.binary(max_size=200),
        st.sampled_from(DOCUMENTS).map(lambda document: document.encode("utf-8", "surrogatepass")),
    )


@st.composite
def _spliced(draw: DrawFn, text: str) -> bytes:
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.sampled_from((0, 0, 1, 5, 40))))
        text = text[:start] + draw(st.sampled_from(TEXTS)) + text[end:]
    return text.encode("utf-8", "surrogatepass")


@st.composite
def _annotated(draw: DrawFn, text: str) -> bytes:
    """The same page with what changes nothing: comments, blank lines, other line ends, a mark of its encoding."""
    lines = text.splitlines()
    lines.insert(draw(st.integers(0, len(lines))), draw(st.sampled_from(("", "# ü", "   ", "#" * 1000))))
    end = draw(st.sampled_from(("\n", "\r\n")))
    return draw(st.sampled_from((b"", b"\xef\xbb\xbf"))) + end.join([*lines, ""]).encode()


@st.composite
def _doubled(draw: DrawFn, text: str) -> bytes:
    lines = text.splitlines(keepends=True)
    lines.insert(draw(st.integers(0, len(lines))), draw(st.sampled_from(lines)))
    return "".join(lines).encode()
