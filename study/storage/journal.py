"""A file of entries, a line of JSON each: sealed, appended whole or not at all, and read while it grows."""

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from uncollapse.analysis.whole_file import replaced
from uncollapse.study.errors import UserError
from uncollapse.study.storage.places import Places
from uncollapse.study.storage.seals import LONGEST, MARK, Seal, end_is_damaged, is_sealed, seal_of, sealed

BLOCK = 1 << 16
DECODE = json.JSONDecoder().decode  # a quarter faster than `json.loads`, which asks for the encoding of every line
Body = tuple[Mapping[str, Any], bytes]  # an entry, and the same as a JSON object


class Damaged(UserError):
    """A line of a journal is not as it was written."""


class Mark(NamedTuple):
    """A place in a journal, behind so many lines of so many bytes."""

    lines: int
    bytes: int


class Counted:
    """Lines that are known: how many, the places of their entries, and the bytes that they take."""

    def __init__(self) -> None:
        self.lines, self.places, self.bytes = 0, Places(), 0


class Journal:
    """The file behind a ledger: one writer, any number of readers; Optuna's own journal files look the same.

    Either every line has a seal or, as in files of Optuna's and of earlier versions, none has.

    Args:
        path: of the file; without a file there are no entries.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._together: list[Body] | None = None
        self._begin([], 0)

    def _begin(self, instead: list[bytes], their_bytes: int) -> None:
        """Read from the beginning, `instead` in place of so many bytes."""
        self.sealed: bool | None = None  # None until a line was read
        self.counted, self._sure = Counted(), True
        self._instead, self._their_bytes = instead, their_bytes
        self._ahead = 0  # what the numbers in the seals are ahead of `lines`, behind what was salvaged
        self._file = 0  # the file system's number of it: after a repair another file stands in its place
        self._again()

    def _again(self) -> None:
        self.lines = self._place = 0  # lines that were read, and the bytes that they take

    def append_logs(self, logs: Sequence[Mapping[str, Any]]) -> None:
        """Append entries and flush them to the disk.

        Raises:
            OSError: the disk is full, or worse; the file ends where it ended before.
        """
        bodies = [(log, _body(log)) for log in logs]
        if self._together is None:
            self._append(bodies)
        else:
            self._together += bodies

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
        self._append(waiting)

    def _append(self, bodies: Sequence[Body]) -> None:
        if not self._sure or self.counted.bytes != self._size():
            self._count()
        lines = b"".join(self._lines(bodies))
        with self.path.open("ab", buffering=0) as file:
            before = os.fstat(file.fileno()).st_size
            try:
                _write(file, lines)
            except BaseException as error:
                self._sure = False  # more is counted than there is
                os.ftruncate(file.fileno(), before)  # else the next entry would begin in the middle of a line
                if isinstance(error, OSError):
                    error.filename = str(self.path)
                raise
        self.counted.bytes += len(lines)

    def _count(self) -> None:
        """Count what is there, as before the first line is appended to a file that was not read."""
        there = Journal(self.path)
        for _ in there.read_logs(0):
            pass
        self.counted, self.sealed, self._sure = there.counted, there.sealed, True

    def _lines(self, bodies: Iterable[Body]) -> Iterator[bytes]:
        for log, body in bodies:
            self.counted.lines += 1
            place = self.counted.places.next(log)
            yield body + b"\n" if self.sealed is False else sealed(body, Seal(self.counted.lines, place))

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        """Entries from a number on; a last line without its end is still being written, or its writer died.

        Raises:
            Damaged: a line is not as it was written.
        """
        if log_number_from < self.lines:
            self._again()
        for line in self.read_lines():
            entry = self._entry(line)
            if self.lines > log_number_from:
                yield entry

    def read_lines(self) -> Iterator[bytes]:
        """Lines behind those that were read; their seals are checked, and nothing in them is looked at.

        Raises:
            Damaged: a line is not as it was written.
        """
        if self._size() == self._place:
            return
        if self._place < self._their_bytes:
            yield from self._read_instead()
        with self.path.open("rb") as file:
            file.seek(self._place)
            for line in file:
                self.lines += 1
                if not self._is_whole(line):
                    self.lines -= 1
                    return
                self._place += len(line)
                yield line

    def _read_instead(self) -> Iterator[bytes]:
        """What was salvaged of the beginning."""
        for line in self._instead[self.lines :]:
            self.lines += 1
            yield line
        self._place, self.sealed = self._their_bytes, None

    @property
    def mark(self) -> Mark:
        """How far it was read."""
        return Mark(self.lines, self._place)

    def go_on(self, mark: Mark) -> None:
        """Read on from there; the lines before it have seals and are known."""
        self._begin([], 0)
        self.lines, self._place, self.sealed = mark.lines, mark.bytes, True

    def _is_whole(self, line: bytes) -> bool:
        """Whether a line has its end; raises `Damaged` if it is not as it was written."""
        if self.sealed and is_sealed(line, self.lines + self._ahead):
            return True
        if not line.endswith(b"\n") and not end_is_damaged(line):
            return False
        if not self._is_well(line):
            raise self.damaged()
        return True

    def _is_well(self, line: bytes) -> bool:
        """Whether a line may stand there that is the first one, or has no seal that is as it was written."""
        if self.sealed is None:
            seal = seal_of(line)
            self.sealed = seal is not None or bool(self._instead)
            if seal is not None:
                self._ahead = seal.number - self.lines
                return self._ahead == 0 or bool(self._instead)
        return not self.sealed and line.rfind(MARK, -LONGEST) < 0

    def _size(self) -> int:
        """Bytes of the file; where it is another one than before, everything in it is to be read."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return 0
        if self._file not in (0, found.st_ino):
            self._begin([], 0)
        self._file = found.st_ino
        return found.st_size

    def _entry(self, line: bytes) -> dict[str, Any]:
        try:
            entry: dict[str, Any] = DECODE(line.decode())
        except (ValueError, RecursionError):
            raise self.damaged() from None
        if self.lines > self.counted.lines:
            self.counted.lines, self.counted.bytes = self.lines, self._place
            self.counted.places.count(entry)
        return entry

    def damaged(self) -> Damaged:
        """What to say of the line that was read last."""
        whole = self.lines - 1
        return Damaged(
            f"{self.path}, line {self.lines}: an entry of the ledger is expected and this line is damaged; put a copy "
            f"of the file in its place, or keep the {whole} lines before it (`head -n {whole}`), and run the study "
            "again, which trains what is missing"
        )

    def salvage(self) -> tuple[list[int], list[str]]:
        """Read what hangs on no damaged line; the file stays as it is.

        Returns:
            The numbers of the damaged lines, and a phrase for each trial that counts no longer.

        Raises:
            Damaged: it cannot be told what hangs on them.
        """
        from uncollapse.study.storage.salvage import Unsalvageable, salvage  # and Optuna, seldom needed to read

        content = self.path.read_bytes()
        try:
            found = salvage(content)
        except Unsalvageable:
            raise self.damaged() from None
        tail = content.rpartition(b"\n")[2]
        read = len(content) if end_is_damaged(tail) else len(content) - len(tail)
        self._begin(list(_sealed(found.bodies)), read)
        return found.damaged, found.trials

    def set_aside(self) -> Path:
        """Write what was salvaged in place of the file, of which a copy is kept; returns the copy's place."""
        aside = _free(self.path.with_name(self.path.name + ".damaged"))
        try:
            os.link(self.path, aside)
        except OSError:
            shutil.copyfile(self.path, aside)
        self._rewrite(self._instead)
        return aside

    def seal_all(self) -> None:
        """Seal every line of a file that has no seals."""
        with self.path.open("rb") as file:
            self._rewrite(_sealed(line[:-1] for line in file))

    def _rewrite(self, lines: Iterable[bytes]) -> None:
        with replaced(self.path, self.path.with_name(self.path.name + ".partial")) as unfinished:
            with unfinished.open("wb") as file:
                file.writelines(lines)
                file.flush()
                os.fsync(file.fileno())
            shutil.copymode(self.path, unfinished)
        self._begin([], 0)

    def cut_torn_line(self) -> None:
        """Cut a last line without its end, which a kill in mid-write leaves: appended to, it would be damaged."""
        if self.path.exists():
            with self.path.open("rb+") as file:
                end = _end_of_lines(file)
                file.seek(end)
                if not end_is_damaged(file.read()):
                    file.truncate(end)


def _body(log: Mapping[str, Any]) -> bytes:
    return json.dumps(log, separators=(",", ":")).encode()


def _sealed(bodies: Iterable[bytes]) -> Iterator[bytes]:
    places = Places()
    for number, body in enumerate(bodies, 1):
        yield sealed(body, Seal(number, places.next(json.loads(body))))


def _free(path: Path) -> Path:
    """A path like this one under which nothing lies."""
    names = (path, *(path.with_name(f"{path.name}-{number}") for number in range(2, 1000)))
    return next(one for one in names if not one.exists())


def _write(file: Any, content: bytes) -> None:
    """Write to an unbuffered file and flush it to the disk."""
    rest = memoryview(content)
    while rest:
        rest = rest[file.write(rest) :]
    os.fsync(file.fileno())


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
