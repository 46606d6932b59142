"""The seal at the end of a line of a journal: its number, its place among what it belongs to, and a checksum of it all.

A sealed line is a JSON object whose last key is `seal`, so that whoever reads the file without knowing of it, as
Optuna's own reader, finds a key more. The checksum covers every byte before it, and what follows it is fixed: a bit
that has turned anywhere in a line is found.
"""

from typing import NamedTuple
from zlib import crc32

MARK, END = b',"seal":"', b'"}\n'
TAIL = 8 + len(END)  # bytes from the checksum on
LONGEST = 100  # bytes of a seal at most


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
    return content + b"%08x" % crc32(content) + END


def seal_of(line: bytes) -> Seal | None:
    """The seal of a whole line; None if it has none or is not as it was written."""
    if line[-TAIL:] != b"%08x" % crc32(line[:-TAIL]) + END:
        return None
    number, place, _ = line[line.rfind(MARK) + len(MARK) : -len(END)].split(b";")
    return Seal(int(number), place.decode())


def body_of(line: bytes) -> bytes:
    """The JSON object without the seal."""
    return line[: line.rfind(MARK)] + b"}"
