"""A file of entries, a line of JSON each: appended whole or not at all, and read while it grows."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from uncollapse.study.errors import UserError

BLOCK = 1 << 16


class Journal:
    """The file behind a ledger: one writer, any number of readers; Optuna's own journal files look the same.

    Args:
        path: of the file; without a file there are no entries.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines = 0  # that were read
        self._place = 0  # bytes that they take
        self._together: list[bytes] | None = None

    def append_logs(self, logs: Sequence[Mapping[str, Any]]) -> None:
        """Append entries and flush them to the disk.

        Raises:
            OSError: the disk is full, or worse; the file ends where it ended before.
        """
        lines = b"".join(json.dumps(log, separators=(",", ":")).encode() + b"\n" for log in logs)
        if self._together is None:
            self._append(lines)
        else:
            self._together.append(lines)

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is appended in here is written when all is said, in one piece, and flushed once."""
        if self._together is not None:
            yield
            return
        waiting = self._together = []
        try:
            yield
        finally:
            self._together = None
        self._append(b"".join(waiting))

    def _append(self, lines: bytes) -> None:
        with self.path.open("ab", buffering=0) as file:
            before, rest = os.fstat(file.fileno()).st_size, memoryview(lines)
            try:
                while rest:
                    rest = rest[file.write(rest) :]
                os.fsync(file.fileno())
            except BaseException as error:
                os.ftruncate(file.fileno(), before)  # else the next entry would begin in the middle of a line
                if isinstance(error, OSError):
                    error.filename = str(self.path)
                raise

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        """Entries from a number on; a last line without its end is still being written, or its writer died.

        Raises:
            UserError: a line is damaged.
        """
        if log_number_from < self.lines:
            self.lines = self._place = 0
        if self._size() == self._place:
            return
        with self.path.open("rb") as file:
            file.seek(self._place)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                self.lines, self._place = self.lines + 1, self._place + len(line)
                if self.lines > log_number_from:
                    yield self._entry(line)

    def _size(self) -> int:
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def _entry(self, line: bytes) -> dict[str, Any]:
        try:
            return json.loads(line)
        except (ValueError, RecursionError):
            raise self.damaged() from None

    def damaged(self) -> UserError:
        """What to say of the line that was read last."""
        whole = self.lines - 1
        return UserError(
            f"{self.path}, line {self.lines}: an entry of the ledger is expected and this line is damaged; put a copy "
            f"of the file in its place, or keep the {whole} lines before it (`head -n {whole}`), and run the study "
            "again, which trains what is missing"
        )

    def cut_torn_line(self) -> None:
        """Cut a last line without its end, which a kill in mid-write leaves: appended to, it would be damaged."""
        if self.path.exists():
            with self.path.open("rb+") as file:
                file.truncate(_end_of_lines(file))


def _end_of_lines(file: BinaryIO) -> int:
    """Bytes up to the end of the last whole line."""
    place = file.seek(0, os.SEEK_END)
    while place > 0:
        start = max(0, place - BLOCK)
        file.seek(start)
        found = file.read(place - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        place = start
    return 0
