"""Keeps the snapshot of a ledger that grows, so that even the first look at a large study is quick."""

import time
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from types import TracebackType

from uncollapse.study.storage.digest.digest import Digest, Unfit

SECONDS = 60.0  # from one snapshot to the next, at least
REST = 20.0  # times as long as it took, it rests: what it takes of the process is bounded
PATIENCE = 5.0  # seconds that the end of a study waits for it


class Upkeep(Thread):
    """A thread of the process that runs a study; whatever is in its way, the study goes on.

    Args:
        ledger: its file.
        name: of the study.
    """

    def __init__(self, ledger: Path, name: str) -> None:
        super().__init__(name="snapshot", daemon=True)
        self.ledger, self.study = ledger, name
        self.over, self._since = Event(), time.thread_time()

    def __enter__(self) -> "Upkeep":
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.over.set()
        self.join(PATIENCE)

    def run(self) -> None:
        pause, digest = SECONDS, None
        while True:
            over, began = self.over.wait(pause), time.monotonic()
            with suppress(Unfit, OSError):
                digest = digest or Digest(self.ledger, self.study, self.rest)
                digest.keep()
            if over:
                return
            pause = max(SECONDS, REST * (time.monotonic() - began))

    def rest(self, read: int, size: int) -> None:
        """Leave the processor to the study, also while a large ledger is read for the first time."""
        self.over.wait(REST * (time.thread_time() - self._since))
        self._since = time.thread_time()
