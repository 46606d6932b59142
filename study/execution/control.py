"""Stopping and pausing a running study: by Ctrl-C, by SIGTERM, or by a word in a file that any machine can write."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from uncollapse.study.execution.signals import handled

STOP, NOW, PAUSE, RESUME = WORDS = ("stop", "now", "pause", "resume")
SECONDS = 1.0  # between two looks at the file
STOPPING = "stopping: every running trial finishes its epoch and keeps its checkpoint; Ctrl-C again leaves now"
PAUSING = "pausing: every running trial finishes its epoch, then the cluster is free; `uncollapse resume` goes on"
PAUSED = "paused: nothing trains; `uncollapse resume` goes on, Ctrl-C or `uncollapse stop` leaves"


class Control:
    """What the user wants of a running study.

    Args:
        path: of the file that holds one of `WORDS` when another process asks; its absence asks nothing.
        say: told what is about to happen.
    """

    def __init__(self, path: Path, say: Callable[[str], None]) -> None:
        self.path, self.say = path, say
        self.request = ""
        self._training = False
        self._looked = 0.0

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Obey signals and the file."""
        with handled(self._signalled):
            try:
                yield
            finally:
                self.path.unlink(missing_ok=True)

    @contextmanager
    def training(self) -> Iterator[None]:
        """Trials train in here, and a first signal lets them finish their epochs."""
        self._training = True
        try:
            yield
        finally:
            self._training = False

    def _signalled(self, number: int, frame: Any) -> None:
        """The first signal lets trials finish their epochs; with nothing in training, or the second time, it leaves."""
        if not self._training or self.request == STOP:
            raise KeyboardInterrupt
        self._want(STOP)

    def look(self) -> None:
        """Read the file if it is time; raises KeyboardInterrupt when asked to leave now."""
        if time.monotonic() - self._looked < SECONDS:
            return
        self._looked = time.monotonic()
        word = asked(self.path)
        if word == NOW:
            raise KeyboardInterrupt
        if word == STOP or (word == PAUSE and not self.request):
            self._want(word)

    def _want(self, word: str) -> None:
        if self.request != word:
            self.request = word
            self.say(STOPPING if word == STOP else PAUSING)

    def wait_out_the_pause(self) -> float:
        """Return after so many seconds, when the user wants to go on; raises KeyboardInterrupt when it is to stop."""
        self.say(PAUSED)
        since = time.monotonic()
        while (word := asked(self.path)) == PAUSE:
            time.sleep(SECONDS)
        if word in (STOP, NOW) or self.request == STOP:
            raise KeyboardInterrupt
        self.path.unlink(missing_ok=True)
        self.request = ""
        self.say("going on")
        return time.monotonic() - since


def asked(path: Path) -> str:
    """The word in a control file, "" if there is none."""
    try:
        word = path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
    return word if word in WORDS else ""
