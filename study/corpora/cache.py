"""The cache on disk: one folder for each digest, written whole or not at all, checked before use."""

import fcntl
import hashlib
import json
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from uncollapse.study.corpora.corpus import Corpus
from uncollapse.study.corpora.settings import Cleaning
from uncollapse.study.disk_faults import disk_error
from uncollapse.study.errors import RunError, UserError

INDEX = "corpus.json"
PATIENCE, SECONDS = 3600.0, 0.2  # for another process that makes the same corpus, and between two looks at it


def sha256(path: Path) -> str:
    """Hexadecimal digest of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def seal(body: Mapping[str, Any]) -> str:
    """Digest of a JSON-able mapping, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def write(folder: Path, body: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
    """Write an entry beside its place and move it there in one step.

    Args:
        folder: the entry's place.
        body: JSON-able description.
        arrays: an array for a `.npy` file, or a mapping of arrays for a `.npz` file, by file name.
    """
    new = folder.parent / f".{folder.name}.{uuid.uuid4().hex}"
    try:
        _fill(new, body, arrays)
        new.replace(folder)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)  # half an entry would take what room is left
        raise


def _fill(new: Path, body: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
    new.mkdir()
    for name, values in arrays.items():
        _save(new / name, values)
    files = {name: {"bytes": (new / name).stat().st_size, "sha256": sha256(new / name)} for name in sorted(arrays)}
    whole = {**body, "files": files}
    (new / INDEX).write_text(json.dumps({"sha256": seal(whole), **whole}, indent=1) + "\n", encoding="utf-8")


def _save(path: Path, values: Any) -> None:
    if isinstance(values, Mapping):
        np.savez(path, allow_pickle=False, **values)
    else:
        np.save(path, values, allow_pickle=False)


def intact(folder: Path) -> dict[str, Any] | None:
    """The description of an entry whose every byte is as it was written; None if it is absent or damaged."""
    try:
        whole = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        told = whole.pop("sha256")
        sound = told == seal(whole) and all(_same(folder / name, file) for name, file in whole["files"].items())
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return None
    return whole if sound else None


def _same(path: Path, told: Mapping[str, Any]) -> bool:
    return path.stat().st_size == told["bytes"] and sha256(path) == told["sha256"]


Made = tuple[Mapping[str, Any], Mapping[str, Any]]


def entry(folder: Path, make: Callable[[], Made], say: Callable[[str], None]) -> Mapping[str, Any]:
    """The description of the entry at `folder`, made by `make() -> body, arrays` where it is absent or damaged."""
    if (found := intact(folder)) is not None:  # asked first, since a cache may be one that can only be read
        return found
    with _locked(folder, say):
        found = intact(folder)
        if found is not None:
            return found
        if folder.exists():
            say(f"the cached corpus {folder.name} is damaged and is made again")
        for left in (folder, *folder.parent.glob(f".{folder.name}.*")):
            shutil.rmtree(left, ignore_errors=True)
        body, arrays = make()
        try:
            write(folder, body, arrays)
        except OSError as error:
            if disk_error(error) is not None:
                raise
            raise UserError(f"{folder}: the cache cannot be written ({error.strerror or error}); move it") from error
        found = intact(folder)
    if found is None:
        raise UserError(f"{folder}: what was written does not read back the same; check the disk and its free space")
    return found


@contextmanager
def _locked(folder: Path, say: Callable[[str], None]) -> Iterator[None]:
    """One process at a time for an entry; the lock ends with the process, even if it is killed."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = (folder.parent / f"{folder.name}.lock").open("w")
    except OSError as error:
        if disk_error(error) is not None:
            raise
        raise UserError(
            f"{folder.parent}: the cache cannot be written ({error.strerror}); choose another folder"
        ) from error
    with lock:
        _wait_for(lock, folder, say)
        yield


def _wait_for(lock: IO[str], folder: Path, say: Callable[[str], None]) -> None:
    """Lock an entry; raises `RunError` where another process does not let go of it."""
    deadline = time.monotonic() + PATIENCE
    waits = False
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise RunError(
                    f"{folder}: another process makes this corpus and has not let go of it for {PATIENCE / 3600:g} h; "
                    "see whether it hangs, then run the same again"
                ) from None
        except OSError as error:
            raise UserError(
                f"{folder.parent}: one process at a time makes a corpus here, and this file system has no locks "
                f"({error.strerror}); mount it with locks, or name a folder elsewhere with --runs"
            ) from error
        if not waits:
            say("waits for another process that makes the same corpus")
        waits = True
        time.sleep(SECONDS)


def load(folder: Path) -> Corpus:
    """The corpus in a cache entry, as a worker opens it: nothing is built, and only the description is read.

    Raises:
        UserError: there is no whole entry at `folder`.
    """
    try:
        body = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        sound = body.pop("sha256") == seal(body)
    except (OSError, ValueError, KeyError, AttributeError):
        sound = False
    if not sound:
        raise UserError(f"{folder}: a prepared corpus is expected here, but none can be read; prepare the corpus again")
    return corpus_of(folder, body)


def corpus_of(folder: Path, body: Mapping[str, Any]) -> Corpus:
    """The corpus that a description and its folder stand for."""
    vocabulary, classes = tuple(body["vocabulary"]), tuple(body["classes"])
    cleaning = None if body["cleaning"] is None else Cleaning(**body["cleaning"])
    known = (body["name"], folder.name, vocabulary, classes, body["ordered"], body["facts"], folder)
    return Corpus(*known, cleaning, body["learned"])
