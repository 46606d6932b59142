"""Ray's folder of a session that was started here: it goes with the process that started it, or with the next one.

Ray keeps about a megabyte of logs and sockets of every start for ever. Only sessions that carry our mark are removed,
and only when nobody holds the mark's lock, which the kernel takes from a process that dies.
"""

import atexit
import fcntl
import shutil
from contextlib import suppress
from pathlib import Path

import ray

MARK = "uncollapse.lock"


def own(session: Path) -> None:
    """Mark a session of this process, which ends with it, and remove what processes that died have left beside it."""
    mark = (session / MARK).open("w")
    try:
        fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # no locks here: who comes later could not tell that this process lives
        (session / MARK).unlink()
    for left in session.parent.glob(f"session_*/{MARK}"):
        if left.parent.resolve() != session.resolve():
            _remove_if_left(left)

    def end() -> None:
        ray.shutdown()
        shutil.rmtree(session, ignore_errors=True)
        mark.close()

    atexit.register(end)


def _remove_if_left(mark: Path) -> None:
    with suppress(OSError), mark.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises where its process lives
        shutil.rmtree(mark.parent, ignore_errors=True)
