"""The one background writer to MLflow: it insists until everything is there, and never stands in a trial's way."""

import queue
import threading
import time
from collections.abc import Callable
from functools import partial

from uncollapse.study.errors import first_line
from uncollapse.study.tracking.database import Busy, Unusable
from uncollapse.study.tracking.projection import Projection, permanent
from uncollapse.study.trial_record import TrialRecord

FIRST_WAIT, LONGEST_WAIT = 0.5, 5.0  # seconds between attempts
LOCKED = "database is locked"  # SQLite's words
OF_A_FILE = 10.0  # seconds that the end of a study waits for a database file that takes nothing; it is here, or nowhere


class Writer(threading.Thread):
    """The one background writer. What is newest of a trial replaces what still waits, so a slow server costs no memory.

    Args:
        projection: not yet open.
        say: told once when the store stops answering and once when it is back, or that it cannot be used.

    A store that cannot be used until somebody does something ends the thread: nothing waits for it, and the next
    process fills it from the ledger.
    """

    def __init__(self, projection: Projection, say: Callable[[str], None]) -> None:
        super().__init__(name="tracking", daemon=True)
        self.projection, self.say = projection, say
        self.newest: dict[str, TrialRecord] = {}
        self.waiting: queue.SimpleQueue[Callable[[], None] | str | None] = queue.SimpleQueue()
        self.lock = threading.Lock()
        self.pending = 0
        self.set_aside: list[str] = []
        self.unusable = ""  # why, in a sentence
        self.lost = False  # the store has not taken what was sent last
        self.quit = threading.Event()

    def __call__(self, record: TrialRecord) -> None:
        """Project a trial when there is time; never waits."""
        name = f"{record.stage}/{record.key}"
        with self.lock:
            queued = name in self.newest
            self.newest[name] = record
            self.pending += not queued
        if not queued:
            self.waiting.put(name)

    def submit(self, work: Callable[[], None]) -> None:
        """Do `work` after everything that waits now."""
        with self.lock:
            self.pending += 1
        self.waiting.put(work)

    def run(self) -> None:
        try:
            self._work()
        except Unusable as error:
            self.unusable = str(error)
            self.say(f"tracking: the study goes on without MLflow: {error}")

    def _work(self) -> None:
        self._insist(self.projection.open)
        while (item := self.waiting.get()) is not None and not self.quit.is_set():
            if self._insist(item if callable(item) else partial(self._project, item)):
                with self.lock:
                    self.pending -= 1

    def _project(self, name: str) -> None:
        with self.lock:
            record = self.newest.pop(name, None)
        if record is None:
            return
        try:
            self.projection.trial(record)
        except BaseException:
            with self.lock:
                self.newest.setdefault(name, record)
            raise

    def _insist(self, work: Callable[[], None]) -> bool:
        """Try until it is done, or told to quit; a request that the store will never take is set aside and said.

        Raises:
            Unusable: the store takes nothing more until somebody does something.
        """
        wait, self.lost = FIRST_WAIT, False
        while not self.quit.is_set():
            try:
                work()
            except Unusable:
                raise
            except Exception as error:
                if permanent(error):
                    self._set_aside(error)
                    return True
                if not self.lost:
                    self.say(f"tracking: {_why(error)}; the study goes on and everything is sent when it does")
                self.lost = True
                self.quit.wait(wait)
                wait = min(LONGEST_WAIT, wait * 2)
                continue
            if self.lost:
                self.say("tracking: MLflow answers again")
            self.lost = False
            return True
        return False

    def _set_aside(self, error: Exception) -> None:
        """Say that one request was refused; `Unusable` where every other would be."""
        try:
            self.projection.check()
        except Unusable:
            raise
        except Exception:  # it was about this request that was asked
            pass
        self.set_aside.append(str(error))
        self.say(f"tracking: set aside, since MLflow will never take it: {error}")

    def close(self, patience: float) -> int:
        """Wait until everything is there, at most `patience` seconds; returns how much is still to be sent."""
        deadline, stuck = time.monotonic() + patience, None
        while self.pending and time.monotonic() < deadline and self.is_alive():
            stuck = (stuck or time.monotonic()) if self.lost and self.projection.file else None
            if stuck and time.monotonic() - stuck > OF_A_FILE:
                break
            time.sleep(0.05)
        self.waiting.put(None)
        if self.pending:
            self.quit.set()
        self.join(timeout=5 if self.lost and self.projection.file else 15)
        return self.pending


def _why(error: Exception) -> str:
    """What stands in the way for now."""
    if isinstance(error, Busy):
        return str(error)
    if LOCKED in str(error):
        return "MLflow's database is locked by another process"
    return f"MLflow does not answer ({first_line(error)})"
