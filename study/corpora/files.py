"""Bytes of a user's file: found by name, decoded as UTF-8, or refused with the line that is wrong."""

import codecs
from collections.abc import Sequence
from pathlib import Path

from uncollapse.analysis.counted import counted
from uncollapse.search_spaces import page_yaml
from uncollapse.study.errors import UserError

PROBE = 1 << 20
MOST_ERRORS = 5


def find(name: str, *folders: Path) -> Path | None:
    """The first file called `name` in the folders, in order; an absolute name stands for itself."""
    candidates = [folder / Path(name).expanduser() for folder in folders]
    return next((path for path in candidates if path.is_file()), None)


def listing(folder: Path) -> str:
    """The first names in a folder, for a sentence about a file that is not there."""
    names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    return (", ".join(names[:8]) + (", ..." if len(names) > 8 else "")) or "nothing"


def read_text(path: Path, most: int | None = None) -> tuple[str, bool]:
    """The file's text and whether it was cut short at `most` bytes (then after the last whole line).

    Raises:
        UserError: the file cannot be read, is empty, or is not UTF-8 text.
    """
    if (wrong := page_yaml.no_file(path)) is not None:
        raise UserError(wrong)
    try:
        with path.open("rb") as file:
            data = file.read() if most is None else file.read(most)
            cut = bool(file.read(1))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); check the file and its permissions") from error
    return decode((data[: data.rfind(b"\n") + 1] or data) if cut else data, path, whole=not cut), cut


def decode(data: bytes, path: Path, whole: bool = True) -> str:
    """UTF-8 text of `data` with every kind of line end made a newline, or a UserError that names the byte and line."""
    if (wide := _wide(data)) is not None:
        raise UserError(f"{path}: UTF-8 text is expected, and this is {wide}; convert it: `iconv -f {wide} -t UTF-8`")
    at = data.find(b"\0")
    if at >= 0:
        raise UserError(
            f"{path}: text is expected, but byte {at} (line {_line(data, at)}) is NUL; this is a binary file"
        )
    try:
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(data, whole)
    except UnicodeDecodeError as error:
        at = error.start + len(data) - len(error.object)
        where = f"byte {at} (line {_line(data, at)}) is 0x{data[at]:02x}"
        raise UserError(
            f"{path}: UTF-8 text is expected, but {where}; convert the file to UTF-8 (most old text is "
            "Latin-1: `iconv -f LATIN1 -t UTF-8`)"
        ) from error
    if not text.strip():
        raise UserError(f"{path}: sentences are expected, but the file is empty; name another file")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _wide(data: bytes) -> str | None:
    """UTF-16 or UTF-32, by the mark at the start or by the zeros that most letters have there; None for neither."""
    for mark, name in (
        (codecs.BOM_UTF32_LE, "UTF-32"),
        (codecs.BOM_UTF16_LE, "UTF-16"),
        (codecs.BOM_UTF16_BE, "UTF-16"),
    ):
        if data.startswith(mark):
            return name
    start = data[:1000]
    for name, zeros, letters in (("UTF-16LE", start[1::2], start[::2]), ("UTF-16BE", start[::2], start[1::2])):
        if len(start) > 20 and zeros.count(0) > 0.8 * len(zeros) and letters.count(0) == 0:
            return name
    return None


def _line(data: bytes, at: int) -> int:
    return data.count(b"\n", 0, at) + 1


def count_lines(path: Path) -> int:
    """Lines of a file, a last one without a line end included, without holding the file in memory."""
    lines, last = 0, b"\n"
    with path.open("rb") as file:
        while block := file.read(PROBE):
            lines += block.count(b"\n")
            last = block[-1:]
    return lines + (last != b"\n")


def lines_of(text: str) -> list[str]:
    """Lines as editors count them: only a newline ends one."""
    return text.removesuffix("\n").split("\n")


def few(errors: Sequence[str]) -> list[str]:
    """The first errors of a file, and how many more there are."""
    more = len(errors) - MOST_ERRORS
    return [*errors[:MOST_ERRORS], f"... and {counted(more, 'more error')} like these"] if more > 0 else list(errors)
