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


@contextmanager
def owned(folder: Path, role: str = DRIVER) -> Iterator[None]:
    """Hold a study for writing, or as the one that starts its driver again.

    Raises:
        UserError: another process holds it.
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
        if _locked(owner):
            return True
    return False


def _locked(owner: IO[str]) -> bool:
    try:
        fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def is_owned(folder: Path, role: str = DRIVER) -> bool:
    """Whether a process holds a study."""
    path = folder / role
    if not path.exists():
        return False
    with path.open("a") as owner:
        return not _locked(owner)


def is_running(folder: Path) -> bool:
    """Whether a study has a driver, or one that will start it again."""
    return is_owned(folder) or is_owned(folder, SUPERVISOR)


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
