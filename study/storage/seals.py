"""The seal at the end of a line of a journal: its number, its place among what it belongs to, and a checksum of it all.

A sealed line is a JSON object whose last key is `seal`, so that whoever reads the file without knowing of it, as
Optuna's own reader, finds a key more. The checksum starts from the line's number and covers every byte before it, and
what follows it is fixed: a bit that has turned anywhere in a line is found, and so is a line in a wrong place.
"""

import re
from typing import NamedTuple
from zlib import crc32

MARK, END = b',"seal":"', b'"}\n'
TAIL = 8 + len(END)  # bytes from the checksum on
LONGEST = 100  # bytes of a seal at most
SEAL = re.compile(re.escape(MARK) + rb"(\d+);([\d.]*);[0-9a-f]{8}" + re.escape(END))


class Seal(NamedTuple):
    """What a seal says.

    number: of the line in its file, from 1.
    place: of the entry, see `places`.
    """

    number: int
    place: str


def sealed(body: bytes, seal: Seal) -> bytes:
    """The line for a JSON object."""
    content = body[:-1] + MARK + f"{seal.number};{seal.place};".encode()
    return content + b'%08x"}\n' % crc32(content, seal.number)


def is_sealed(line: bytes, number: int) -> bool:
    """Whether a line is as it was written, with this number."""
    return line.endswith(b'%08x"}\n' % crc32(line[:-TAIL], number))


def seal_of(line: bytes) -> Seal | None:
    """The seal of a whole line; None if it has none or is not as it was written."""
    found = SEAL.fullmatch(line, max(0, line.rfind(MARK)))
    if found is None or not is_sealed(line, int(found[1])):
        return None
    return Seal(int(found[1]), found[2].decode())


def end_is_damaged(tail: bytes) -> bool:
    """Whether what stands behind the last line's end is a whole line, whose own end is damaged."""
    return seal_of(tail[:-1] + b"\n") is not None


def body_of(line: bytes) -> bytes:
    """The JSON object without the seal."""
    return line[: line.rfind(MARK)] + b"}"
