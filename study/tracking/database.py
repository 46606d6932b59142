"""The SQLite file behind MLflow: made whole or not at all, and looked at before MLflow opens it.

MLflow makes and migrates a database wherever a client of it is constructed, for seconds and in many transactions.
Killed in the middle, or done twice at once, that leaves a file which no MLflow opens again.
"""

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from glob import escape
from pathlib import Path

import mlflow
from alembic.script import ScriptDirectory
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.store.db.base_sql_model import Base
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

from uncollapse.study.config.tracking_uri import database, plain, sqlite_uri
from uncollapse.study.errors import first_line
from uncollapse.study.storage.locks import is_running

JOURNALS = ("-journal", "-wal", "-shm")  # what SQLite keeps beside a file
ANEW = "`uncollapse run` with `--new-tracking` puts it aside and fills a new one from the ledger"
PATIENCE, LOOK = 60.0, 0.1  # seconds to wait for who makes the database now, and between two looks


class Unusable(Exception):
    """Why a store cannot be projected into until somebody does something, and what: a sentence."""


class Busy(Exception):
    """A database that another process keeps for itself just now: a sentence."""


def client(uri: str) -> MlflowClient:
    """A client whose store is there and of this MLflow's schema; a file that is not there is made.

    Raises:
        Unusable: what stands there is no database of this MLflow.
        Busy: it may become usable by itself.
    """
    path = database(uri)
    if path is None:
        return _of_a_server(uri)
    try:
        _make_where_absent(path)
    except OSError as error:
        raise Unusable(f"MLflow's database {path} cannot be made ({error.strerror or error}); mend that") from error
    if (sentence := trouble(path)) is not None:
        raise Unusable(sentence)
    _store(path).engine.dispose()  # its connections from before a file was replaced would write into the old one
    return MlflowClient(tracking_uri=plain(uri))


def _of_a_server(uri: str) -> MlflowClient:
    try:
        return MlflowClient(tracking_uri=uri)
    except MlflowException as error:
        if "out-of-date database schema" not in str(error):
            raise
        reason = first_line(error).partition(". ")[0]
        raise Unusable(f"MLflow cannot use its database ({reason}); `mlflow db upgrade` changes it") from error


def trouble(path: Path) -> str | None:
    """Why MLflow cannot use what stands at a database's place, and the remedy; None where it can, or nothing is there.

    Raises:
        Busy: it is locked.
    """
    if not path.exists() or empty(path):
        return None
    if not path.is_file():
        return f"{path} is no file, and MLflow's database is one; {ANEW}"
    if not (os.access(path, os.R_OK | os.W_OK) and os.access(path.parent, os.W_OK)):
        return f"MLflow's database {path} has to be read and written, with its folder, and cannot be; allow it"
    try:
        with closing(_connected(path)) as connection:
            return _damage(path, connection) or _foreign(path, connection)
    except sqlite3.DatabaseError as error:
        if "locked" in str(error) or "busy" in str(error):
            raise Busy(f"MLflow's database {path} is locked by another process") from error
        return f"MLflow's database {path} is damaged ({error}); {ANEW}"


def empty(path: Path) -> bool:
    """Whether a file holds nothing, as a death in the first moment of its making leaves it."""
    if not path.is_file() or not os.access(path, os.R_OK | os.W_OK):
        return False
    if path.stat().st_size == 0:
        return True
    try:
        with closing(_connected(path)) as connection:
            return not _tables(connection)
    except sqlite3.DatabaseError:
        return False


def put_aside(path: Path, own: str) -> Path:
    """Rename what stands at a database's place, with its journals; returns its new name.

    Args:
        path: of the database.
        own: the study that asks; another beside the database that is running would write into what was renamed.

    Raises:
        Unusable: another is.
    """
    beside = sorted(one.name for one in path.parent.iterdir() if one.name != own and is_running(one))
    if beside:
        raise Unusable(f"{path} is not put aside while {', '.join(beside)} writes into it; let it end, or stop it")
    number = 1
    while (aside := path.with_name(f"{path.name}.aside-{number}")).exists():
        number += 1
    path.rename(aside)
    for end in JOURNALS:
        with suppress(FileNotFoundError):
            path.with_name(path.name + end).rename(aside.with_name(aside.name + end))
    return aside


def _connected(path: Path) -> sqlite3.Connection:
    """To a file that is there; a transaction whose process was killed is rolled back by the first look."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=3.0)


def _tables(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def _damage(path: Path, connection: sqlite3.Connection) -> str | None:
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    return None if found == "ok" else f"MLflow's database {path} is damaged ({' '.join(found.split())}); {ANEW}"


def _foreign(path: Path, connection: sqlite3.Connection) -> str | None:
    """Why a sound database is none of this MLflow's."""
    there = _tables(connection)
    if "experiments" not in there:
        return f"{path} is a database of another program; {ANEW}"
    known = "alembic_version" in there and connection.execute("SELECT version_num FROM alembic_version").fetchone()
    heads = (scripts := ScriptDirectory(str(Path(mlflow.__file__).parent / "store" / "db_migrations"))).get_heads()
    if not known or (known[0] in heads and not there >= set(Base.metadata.tables)):
        return f"MLflow's database {path} is half made; {ANEW}"
    if known[0] in heads:
        return None
    if known[0] not in {one.revision for one in scripts.walk_revisions()}:
        return f"{path} was made by another MLflow than the installed {mlflow.__version__}; use that one, or {ANEW}"
    upgrade = f"mlflow db upgrade '{sqlite_uri(path)}'"
    return f"{path} was made by an older MLflow, or half; `{upgrade}` changes an older one (copy it first); {ANEW}"


def _make_where_absent(path: Path) -> None:
    """Make the database beside its place, under a lock, and rename it when it is whole."""
    if path.exists() and not empty(path):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with _alone(path):
        if path.exists() and not empty(path):
            return
        for left in path.parent.glob(f".{escape(path.name)}.making-*"):  # of makers that died: we hold the lock
            left.unlink(missing_ok=True)
        unfinished = path.with_name(f".{path.name}.making-{os.getpid()}")
        _store(unfinished).engine.dispose()  # else its connections hold the file under its first name
        for end in JOURNALS:  # of an empty file: on a whole one they would be taken for its own
            path.with_name(path.name + end).unlink(missing_ok=True)
        unfinished.replace(path)


def _store(path: Path) -> SqlAlchemyStore:
    """MLflow over a database's file; its default experiment would keep files among the studies' artifacts."""
    return SqlAlchemyStore(sqlite_uri(path), (path.parent / "artifacts").absolute().as_uri())


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the making of a database; the kernel lets go of it when its process dies."""
    deadline = time.monotonic() + PATIENCE
    with path.with_name(f".{path.name}.lock").open("a") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Busy(f"another process makes MLflow's database {path} and does not end") from None
                time.sleep(LOOK)
        yield
