"""What is known of a ledger, kept beside it: it can be thrown away, and nothing in it is unpickled.

It says up to where the ledger is in it, and of which file. What does not fit, for whatever reason, counts as none.
"""

import json
import os
import shutil
import tempfile
import time
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from uncollapse.analysis.whole_file import replaced
from uncollapse.study.outline import PAUSE
from uncollapse.study.storage.digest.outlines import COMPARED, Outlines
from uncollapse.study.storage.digest.replay import Replay
from uncollapse.study.storage.journal import Mark

NAME = "ledger.snapshot"
VERSION = 1  # raise it whenever something else is kept of a trial
RULES = [VERSION, PAUSE, sorted(COMPARED)]
ENDS = 1 << 16  # bytes at the beginning of a ledger, and before a place in it, by which it is known again
OLD = 3600.0  # seconds after which nobody writes any more what is unfinished
ROOM = 20  # snapshots of this size that have to find room on the disk, which is the ledger's


class Identity(NamedTuple):
    """Which file a ledger is, and when it was written to last.

    Args:
        file: its number in the file system: what is repaired or replaced is another file.
        ends: a hash of its beginning, and of what stands before a place in it.
        size, written: of the whole file in bytes, and nanoseconds.
    """

    file: int
    ends: str
    size: int
    written: int

    @classmethod
    def of(cls, ledger: Path, place: int) -> "Identity":
        """Raises OSError."""
        with ledger.open("rb") as file:
            found = os.fstat(file.fileno())
            ends = blake2b(_before(file, min(place, ENDS)) + _before(file, place)).hexdigest()
        return cls(found.st_ino, ends, found.st_size, found.st_mtime_ns)

    def continues(self, before: "Identity") -> bool:
        """Whether nothing but lines behind that place was written since."""
        same = (self.file, self.ends) == (before.file, before.ends) and self.size >= before.size
        return same and (self.size > before.size or self.written == before.written)


def _before(file: BinaryIO, place: int) -> bytes:
    """Bytes up to a place."""
    file.seek(max(0, place - ENDS))
    return file.read(min(place, ENDS))


def write(ledger: Path, mark: Mark, known: Replay) -> bool:
    """Keep what is known of a ledger up to a mark; whether it was possible. Whatever is in the way is no error."""
    try:
        head = {"rules": RULES, "mark": mark, "identity": Identity.of(ledger, mark.bytes), "known": known.plain()}
        columns = known.ended.plain() | {"head": np.frombuffer(json.dumps(head).encode(), dtype=np.uint8)}
        if shutil.disk_usage(ledger.parent).free < ROOM * sum(column.nbytes for column in columns.values()):
            return False
        path = ledger.with_name(NAME)
        _sweep(path)
        handle, unfinished = tempfile.mkstemp(dir=ledger.parent, prefix=f".{NAME}.")
        with replaced(path, Path(unfinished)) as whole:
            with os.fdopen(handle, "wb") as file:
                np.savez(file, allow_pickle=False, **columns)
            whole.chmod(0o644)
    except (OSError, MemoryError):
        return False
    return True


def _sweep(path: Path) -> None:
    """Remove what processes left that were killed while they wrote."""
    for unfinished in path.parent.glob(f".{NAME}.*"):
        if time.time() - unfinished.stat().st_mtime > OLD:
            unfinished.unlink(missing_ok=True)


def read(ledger: Path, name: str) -> tuple[Mark, Replay] | None:
    """What was kept of the ledger of a study, and up to where; None where nothing fits."""
    try:
        with ledger.with_name(NAME).open("rb") as file, np.load(file, allow_pickle=False) as columns:
            head = json.loads(columns["head"].tobytes())
            mark, before = Mark(*head["mark"]), Identity(*head["identity"])
            fits = head["rules"] == RULES and head["known"]["name"] == name
            if not fits or not Identity.of(ledger, mark.bytes).continues(before):
                return None
            return mark, Replay.of(head["known"], Outlines(columns))
    except Exception:  # it may be anything, and may be in the middle of being thrown away
        return None
