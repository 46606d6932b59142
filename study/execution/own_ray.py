"""A Ray of a study's own on this machine: in a private folder with a short name, under a token of its own, and gone
without a trace when the study ends, whatever ended it."""

import atexit
import contextlib
import fcntl
import getpass
import logging
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ray

from uncollapse.study.errors import RunError, UserError, first_line
from uncollapse.study.execution.running_code import PACKAGE
from uncollapse.study.planning.preflight import local_cpus

PREFIX = "uncollapse-"
RAYS = "r"  # of Ray itself, which opens its folder to everybody, in one that only this user may enter
OWN = len(f"/{PREFIX}/{RAYS}") + 8  # letters that we add to a place
LONGEST = 45  # letters of the folder's path: Ray's sockets lie 62 below it, and the path of a socket has 107
SHARED = ("/tmp", "/var/tmp", "/dev/shm")  # where such a folder is tried when TMPDIR is no good
YOUNG = 60.0  # seconds
LOCK = "owner"  # a file in it that is locked for as long as its study lives
# Waits for the end of the process that starts it; what ended without a word had no time for one, as when Ray's own
# processes die, which takes the driver with them.
MOURNER = """
read word
if [ "$word" = done ]; then
  rm -rf "$1"
  exit
fi
echo "$2" >&2
exec 2> /dev/null
for again in 1 2 3 4 5 6 7 8 9; do  # Ray's own processes take their time to die, and write until then
  sleep 3
  rm -rf "$1"
done
"""
DIED = (
    "uncollapse: the process of the study died, killed or with the Ray that it had started; nothing is lost: run the "
    "same command again and it goes on"
)
TOKEN = "token"  # the file that holds it
_secret = secrets.token_hex(32)  # one a process, since Ray reads it once
_mourner: "subprocess.Popen[bytes] | None" = None
_lock: int | None = None


def start(cpus: int | None) -> None:
    """Start it, whatever other Ray there is, and see to its end.

    Ray lets its workers search the driver's working directory before what is installed, so that is, while it starts,
    the folder in which our package lies and not one in which a `study.py` of the user may lie.

    Raises:
        UserError: there is no place for its folder.
        RunError: it does not start.
    """
    folder = _made(swept_place())
    os.environ.setdefault("RAY_enable_metrics_collection", "0")  # its page needs no token
    _named_user(folder)
    place: dict[str, Any] = {"address": "local", "_temp_dir": str(folder / RAYS), "include_dashboard": False}
    _put_under_a_token(folder)
    try:
        with contextlib.chdir(PACKAGE.parent):
            ray.init(num_cpus=cpus or local_cpus(), logging_level=logging.ERROR, log_to_driver=False, **place)
    except Exception as error:  # Ray raises many kinds, of memory, processes, sockets and files that it cannot have
        stop()
        raise RunError(
            f"Ray does not start on this machine ({first_line(error)}); it needs memory, processes and a folder for "
            "its sockets (see `ulimit -a` and TMPDIR)"
        ) from error


def stop() -> None:
    """End it, and leave nothing of it."""
    global _mourner, _lock
    with contextlib.suppress(Exception):
        ray.shutdown()
    if _mourner is not None:
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            _mourner.communicate(b"done\n", timeout=30)
        _mourner = None
    if _lock is not None:
        os.close(_lock)
        _lock = None


def swept_place() -> Path:
    """The folder in which folders of Ray are made; those that dead studies left there are removed."""
    for place in _places():
        for left in place.glob(f"{PREFIX}*"):
            if left.is_dir() and not left.is_symlink() and left.stat().st_uid == os.getuid() and _abandoned(left):
                shutil.rmtree(left, ignore_errors=True)
        return place
    raise UserError(
        f"TMPDIR: Ray needs a folder for its sockets that can be written and has at most {LONGEST - OWN} letters, and "
        f"neither {', '.join(SHARED)} nor the one that TMPDIR names is one; name one"
    )


def _places() -> Iterator[Path]:
    named = os.environ.get("TMPDIR")
    for place in [*([named] if named else []), *SHARED]:
        fits = len(place.rstrip("/")) + OWN <= LONGEST
        if fits and _takes_files(place):
            yield Path(place)


def _takes_files(place: str) -> bool:
    """Whether a folder with a file can be made there: one that is full, or like /proc, looks as if it could."""
    try:
        with tempfile.TemporaryDirectory(prefix=PREFIX, dir=place) as folder:
            (Path(folder) / LOCK).write_bytes(bytes(4096))
    except OSError:
        return False
    return True


def _abandoned(folder: Path) -> bool:
    """Whether no process holds a folder's lock any more; a young one may be about to get its lock."""
    with contextlib.suppress(OSError):
        if time.time() - folder.stat().st_mtime < YOUNG:
            return False
        if not (folder / LOCK).exists():
            return True
        lock = os.open(folder / LOCK, os.O_RDWR)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError:
            return False
        finally:
            os.close(lock)
    return False


def _made(place: Path) -> Path:
    """A new private folder, locked, with the process that removes it."""
    global _mourner, _lock
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
    _lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    with contextlib.suppress(OSError):  # a file system without locks: nobody sweeps it there
        fcntl.flock(_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    command = ["/bin/sh", "-c", MOURNER, "uncollapse", str(folder), DIED]
    _mourner = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True)
    atexit.register(stop)
    return folder


def _put_under_a_token(folder: Path) -> None:
    """Ray's ports ask for a token that only this user can read, unless the user's environment says otherwise.

    Ray turns tokens on by itself where it starts, and would make one that anybody can read in the user's home.
    """
    if any(name in os.environ for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")) and not _own_token_named():
        return
    token = folder / TOKEN
    token.touch(0o600)
    token.write_text(_secret)
    os.environ["RAY_AUTH_TOKEN_PATH"] = str(token)


def _own_token_named() -> bool:
    """Whether the environment names a token of an earlier Ray of this process."""
    named = Path(os.environ.get("RAY_AUTH_TOKEN_PATH", ""))
    return named.name == TOKEN and named.parent.name.startswith(PREFIX)


def _named_user(folder: Path) -> None:
    """Ray asks for the user's name and home, which one without an entry in the list of users does not have."""
    try:
        getpass.getuser()
    except (KeyError, OSError):
        os.environ["USER"] = str(os.getuid())
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = str(folder)
