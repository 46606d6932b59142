"""Faults of a disk, in whatever exception a library reports them: full, over its quota, at a limit, broken."""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager

from uncollapse.study.errors import RunError, UserError

SAYING = {
    errno.ENOSPC: "no space is left",
    errno.EDQUOT: "the quota is used up",
    errno.EFBIG: "a file may not grow any further, by a limit of the process (`ulimit -f`) or of the file system",
    errno.EROFS: "it is read-only",
    errno.EIO: "it cannot be read or written",
    errno.ESTALE: "it is no longer mounted",
}
NUMBER = re.compile(r"\[Errno (\d+)\]|\(os error (\d+)\)")  # as Python and as Rust write it
# What libraries say of an error whose number they do not hand on.
SIGNS = {
    "No space left on device": errno.ENOSPC,
    "database or disk is full": errno.ENOSPC,  # SQLite
    "Local disk is full": errno.ENOSPC,  # Ray
    "Disk quota exceeded": errno.EDQUOT,
    "File too large": errno.EFBIG,
    "Read-only file system": errno.EROFS,
    "attempt to write a readonly database": errno.EROFS,  # SQLite
    "disk I/O error": errno.EIO,  # SQLite
    "Input/output error": errno.EIO,
    "Stale file handle": errno.ESTALE,
}
# Of these it is known only that a write broke off: NumPy's, and two of torch's.
BROKEN_OFF = re.compile(
    r"\d+ requested and \d+ written|inline_container\.cc.*unexpected pos|PytorchStreamWriter failed"
)
UNFINISHED = "a file could not be written to its end: it is full, or the file may not grow any further"
REMEDY = "nothing recorded is lost: mend it, then run the same again"


def disk_error(error: BaseException | None) -> str | None:
    """The sentence for an error that a disk caused, however deep it lies; None for any other error."""
    chain = list(_chain(error))
    for one in chain:  # what has a number first, since it may name the file
        if isinstance(one, OSError) and one.errno in SAYING:
            return _sentence(SAYING[one.errno], one.filename)
    for one in chain:
        if not isinstance(one, UserError | RunError) and (found := disk_error_in(str(one))) is not None:
            return found
    return None


def disk_error_in(text: str) -> str | None:
    """The same for what another process or library wrote of an error."""
    for found in NUMBER.finditer(text):
        if (number := int(found[1] or found[2])) in SAYING:
            return _sentence(SAYING[number])
    for sign, number in SIGNS.items():
        if sign in text:
            return _sentence(SAYING[number])
    return _sentence(UNFINISHED) if BROKEN_OFF.search(text) else None


def _sentence(what: str, where: object = None) -> str:
    place = f" ({where})" if isinstance(where, str) else ""
    return f"disk: {what}{place}; {REMEDY}"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error, those of its group, and what caused it or was being handled when it was raised."""
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for one in error.exceptions:
                yield from _chain(one)
        error = error.__cause__ or error.__context__


def denied(error: BaseException | None) -> str | None:
    """The sentence for what this user may not read or write; None for any other error."""
    for one in _chain(error):
        if isinstance(one, OSError) and one.errno in (errno.EACCES, errno.EPERM) and isinstance(one.filename, str):
            return (
                f"{one.filename}: this user may not read or write it ({one.strerror}); have its owner do this, or "
                "change its permissions, or copy its folder to a place of your own and name that (--runs)"
            )
    return None


@contextmanager
def disk_errors_told() -> Iterator[None]:
    """What a disk caused in here is a sentence.

    Raises:
        RunError: in place of any error that a disk caused.
    """
    try:
        yield
    except (UserError, RunError):
        raise
    except Exception as error:
        if (sentence := disk_error(error)) is None:
            raise
        raise RunError(sentence) from error
