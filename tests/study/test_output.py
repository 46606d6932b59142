"""What is said: printable, in any encoding, whoever reads it."""

import ast
import io
import os
import sys
from pathlib import Path

import pytest

from tests.support.places import ROOT
from uncollapse.study import output
from uncollapse.study.errors import printable
from uncollapse.study.execution.view.screen import Screen


def stream(monkeypatch: pytest.MonkeyPatch, name: str, encoding: str) -> io.BytesIO:
    """Standard output or error as it is where the encoding is another."""
    held = io.BytesIO()
    monkeypatch.setattr(sys, name, io.TextIOWrapper(held, encoding=encoding, write_through=True))
    return held


def printed(path: Path) -> list[str]:
    """Where a file prints, or writes to a standard stream, by itself."""
    calls = (node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call))
    names = {(call.lineno, ast.unparse(call.func)) for call in calls}
    own = ("print", "sys.stdout.write", "sys.stderr.write", "Console", "console.print")
    return [f"{path.relative_to(ROOT)}:{line} {name}" for line, name in sorted(names) if name in own]


def test_everything_that_is_said_is_said_here() -> None:
    there = [
        path for package in ("analysis", "models", "search_spaces", "study") for path in (ROOT / package).rglob("*.py")
    ]
    there += [*(ROOT / "uncollapse").glob("*.py"), *(ROOT / "uncollapse").glob("[ac][pl]i/*.py")]
    found = {place.partition(":")[0] for path in there for place in printed(path)}
    assert found == {"study/output.py", "uncollapse/cli/status.py"}, "the latter draws a picture on a `Screen`"


def test_escape_sequences_do_not_reach_the_terminal() -> None:
    assert printable("a\x1b[2Jb\x07\x9b\u2028\x7f") == r"a\x1b[2Jb\x07\x9b\u2028\x7f"
    assert printable("two\nlines\tand ü \u4e2d") == "two\nlines\tand ü \u4e2d"


def test_what_an_encoding_lacks_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    held = stream(monkeypatch, "stdout", "ascii")
    with output.lenient():
        output.say("caf\xe9 \u2026")
        Screen().say("[red]\xe9")
    assert held.getvalue() == rb"caf\xe9 \u2026" + b"\n" + rb"[red]\xe9" + b"\n"
    assert sys.stdout.errors == "strict", "as it was"
    assert output.lost() is None


@pytest.mark.parametrize("how", ["closed pipe", "full disk"])
def test_what_nobody_takes_is_given_up_once(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if how == "full disk":
        handle = os.open("/dev/full", os.O_WRONLY)
    else:
        reading, handle = os.pipe()
        os.close(reading)
    with os.fdopen(handle, "w") as nobody:
        monkeypatch.setattr(sys, "stdout", nobody)
        output.say("a word")
        Screen().say("a word")
        output.flush()
        output.say("another")
    assert isinstance(output.lost(), BrokenPipeError if how == "closed pipe" else OSError)
    assert output.lost() is None


def test_a_screen_that_nobody_reads_does_not_end_the_process() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as nobody:
        screen = Screen(file=nobody)
        screen.say("a word")
        screen.say("another")
    assert isinstance(output.lost(), BrokenPipeError)


def test_streams_that_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    with output.lenient():
        output.say("a word")
        output.warn("a word")
        output.flush()
    assert output.lost() is None


def test_a_warning_that_cannot_be_written_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stderr", full)
        output.warn("a word")
        output.give_up(full, OSError())
    assert output.lost() is not None
