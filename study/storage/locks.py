"""The advisory lock of a study: the kernel lets go of it when its process dies, however it dies."""

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from uncollapse.study.errors import UserError

DRIVER, SUPERVISOR = "ledger.lock", "supervisor.lock"
TRIES, WAIT = 4, 0.1  # who only asks whether a study is held holds it for an instant


def locked(file: IO[str], how: int = fcntl.LOCK_EX) -> bool:
    """Whether a file could be locked, or the lock that a process holds was its own; False where another one has it.

    Raises:
        UserError: the file system has no locks.
    """
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise UserError(
            f"{file.name}: it is locked so that one process at a time writes here, and this file system has no locks "
            f"({error.strerror}); mount it with locks (NFS with its lock service, Lustre with `-o flock`), or name a "
            "folder elsewhere with --runs"
        ) from error
    return True


@contextmanager
def owned(folder: Path, role: str = DRIVER) -> Iterator[None]:
    """Hold a study for writing, or as the one that starts its driver again.

    Raises:
        UserError: another process holds it, or the file system has no locks.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / role).open("a+") as owner:
        if not _taken(owner):
            owner.seek(0)
            raise UserError(_held_by(folder, owner.read()))
        owner.truncate(0)
        owner.write(f"process {os.getpid()} on {socket.gethostname()}")
        owner.flush()
        yield


def _taken(owner: IO[str]) -> bool:
    for attempt in range(TRIES):
        time.sleep(WAIT if attempt else 0)
        if locked(owner):
            return True
    return False


def is_owned(folder: Path, role: str = DRIVER) -> bool:
    """Whether a process holds a study.

    Nothing is written for it, so that it can be asked of a study that this user may only read, or of a copy that
    nobody can write. Where there are no locks, or this user may not read the lock, nobody is known to hold it.
    """
    try:
        with (folder / role).open() as owner:
            return not locked(owner, fcntl.LOCK_SH)
    except (UserError, OSError):
        return False


def is_running(folder: Path) -> bool:
    """Whether a study has a driver, or one that will start it again."""
    return is_owned(folder) or is_owned(folder, SUPERVISOR)


def holder(folder: Path) -> str:
    """What runs a study, or ran it last, as `process 7 on host`."""
    try:
        return (folder / DRIVER).read_text(encoding="utf-8").strip() or "another process"
    except OSError:
        return "another process"


def began(folder: Path) -> float:
    """When the process that runs a study, or ran it last, took hold of it; seconds since 1970, 0.0 if none ever did."""
    path = folder / DRIVER
    return path.stat().st_mtime if path.exists() else 0.0


def refuse_running(folder: Path) -> None:
    """Raise UserError if a process runs a study."""
    for role in (DRIVER, SUPERVISOR):
        if is_owned(folder, role):
            raise UserError(_held_by(folder, (folder / role).read_text(encoding="utf-8")))


def _held_by(folder: Path, holder: str) -> str:
    name = folder.name
    return (
        f"{name}: a study is run by one process at a time and {holder.strip() or 'another process'} is running this "
        f"one; watch it with `uncollapse status {name} --watch`, or end it with `uncollapse stop {name}`"
    )
