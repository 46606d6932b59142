"""A file that is replaced in one step, or put aside."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

UNREADABLE = ".unreadable"  # at the end of the name of what was put aside


def write_whole(path: Path, text: str) -> None:
    """Write a file so that no reader ever sees half of it; one that cannot be written keeps its old text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        error.filename = str(path)  # the one that the reader of an error knows
        raise
    with replaced(path, Path(name)) as unfinished:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        unfinished.chmod(0o644)


@contextmanager
def replaced(path: Path, unfinished: Path) -> Iterator[Path]:
    """What is written to `unfinished` in here takes the place of `path`; of what breaks off nothing is left."""
    try:
        yield unfinished
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def put_aside(path: Path) -> None:
    """Give way to what is made anew: a file that cannot be read, or is not what its name says, is kept beside it."""
    path.replace(aside(path))


def aside(path: Path) -> Path:
    """Where `put_aside` keeps a file."""
    return path.with_name(path.name + UNREADABLE)
