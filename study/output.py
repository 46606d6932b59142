"""What the program says, in one place: printable, in whatever encoding there is, and owed to no reader.

A study goes on when nobody reads it any more; what could not be said is kept for the end (`lost`).
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any

from uncollapse.study.errors import printable

_lost: list[OSError] = []


def say(text: str) -> None:
    """Print to standard output; where nobody takes it any more, the rest of what is said is given up."""
    if sys.stdout is not None:
        try:
            print(printable(text), flush=True)
        except OSError as error:
            give_up(sys.stdout, error)


def warn(text: str) -> None:
    """Print to standard error; where that cannot be written, nobody is there to be told."""
    if sys.stderr is not None:
        with suppress(OSError):
            print(printable(text), file=sys.stderr, flush=True)


def aside(sentence: str) -> None:
    """Tell what is no part of an answer."""
    warn(f"uncollapse: {sentence}")


def flush() -> None:
    """Write what a library has printed to standard output."""
    if sys.stdout is not None:
        try:
            sys.stdout.flush()
        except OSError as error:
            give_up(sys.stdout, error)


def give_up(stream: IO[str], error: OSError) -> None:
    """From now on a stream leads nowhere: Python would complain when it empties it at its end."""
    _lost.append(error)
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def lost() -> OSError | None:
    """Why something could not be said, since this was last asked."""
    errors = _lost.copy()
    _lost.clear()
    return errors[0] if errors else None


@contextmanager
def lenient() -> Iterator[None]:
    """In here standard output takes every letter, one that its encoding lacks as an escape such as \\\\u2026."""
    stream: Any = sys.stdout
    if not hasattr(stream, "reconfigure"):
        yield
        return
    before = stream.errors
    stream.reconfigure(errors="backslashreplace")
    try:
        yield
    finally:
        with suppress(OSError, ValueError):  # it is closed, or cannot be emptied
            stream.reconfigure(errors=before)
