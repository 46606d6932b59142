"""MLflow's SQLite file: made whole, looked at before it is used, and never a reason to hurt a study."""

import shutil
import sqlite3
import string
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.support.mlflow_database import opened, running_trial
from uncollapse.study.config.tracking_uri import database as file_of
from uncollapse.study.config.tracking_uri import plain, sqlite_uri
from uncollapse.study.storage.locks import owned
from uncollapse.study.tracking.database import Busy, Unusable, client, put_aside, trouble
from uncollapse.study.tracking.projection import Projection
from uncollapse.study.tracking.writer import Writer

NAMES = ["".join(c for c in string.printable if c.isprintable() and c != "/"), "a%20b", "a?b", "a#b", "a%", "é ü 名"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with a study in it."""
    return Path(opened(tmp_path_factory.mktemp("whole")).file or "")


def sql(*statements: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with closing(sqlite3.connect(path)) as connection, connection:
            for statement in statements:
                connection.execute(statement)

    return change


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def other(path: Path) -> None:
    path.unlink()
    sql("CREATE TABLE mine (own)")(path)


def hole(path: Path) -> None:
    kept = bytearray(path.read_bytes())
    kept[40_000:400_000] = bytes(360_000)
    path.write_bytes(kept)


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "a folder": (folder, "is no file"),
    "zeroed": (lambda path: path.write_bytes(bytes(5000)), "is damaged"),
    "text": (lambda path: path.write_text("hello\n" * 1000), "is damaged"),
    "cut": (lambda path: path.write_bytes(path.read_bytes()[:300_000]), "is damaged"),
    "a hole": (hole, "is damaged"),
    "half made": (sql("DELETE FROM alembic_version"), "is half made"),
    "a table less": (sql("DROP TABLE latest_metrics"), "is half made"),
    "older": (sql("UPDATE alembic_version SET version_num = '1b5f0d9ad7c1'"), "made by an older MLflow"),
    "newer": (sql("UPDATE alembic_version SET version_num = 'ffffffffffff'"), "made by another MLflow"),
    "another program's": (other, "another program"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_be_used_is_said_once_and_put_aside_on_request(name: str, whole: Path, tmp_path: Path) -> None:
    path, (breaks, sentence) = tmp_path / "mlflow.db", BROKEN[name]
    shutil.copy(whole, path)
    breaks(path)
    before = path.read_bytes() if path.is_file() else b""
    said: list[str] = []
    assert written(path, said) > 0, "nothing is projected, and nothing waits"
    assert len(said) == 1
    assert sentence in said[0]
    assert "--new-tracking" in said[0]
    assert (path.read_bytes() if path.is_file() else b"") == before, "nothing is changed unasked"
    assert written(path, said := [], anew=True) == 0
    assert [str(tmp_path / "mlflow.db.aside-1") in one for one in said] == [True]
    aside = tmp_path / "mlflow.db.aside-1"
    assert (aside.read_bytes() if aside.is_file() else b"") == before
    assert MlflowClient(tracking_uri=sqlite_uri(path)).get_experiment_by_name("s") is not None
    assert written(path, said := [], anew=True) == 0
    assert said == [], "what can be used stays"


def written(path: Path, said: list[str], anew: bool = False) -> int:
    """Project a trial as a study does; returns how much was not sent."""
    projection = Projection(sqlite_uri(path), "s", path.parent / "artifacts", {}, anew=anew, say=said.append)
    writer = Writer(projection, said.append)
    writer(running_trial(2))
    writer.start()
    return writer.close(60.0)


def test_a_file_that_holds_nothing_becomes_a_database(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").touch()
    (tmp_path / "mlflow.db-journal").write_bytes(bytes(600))
    assert written(tmp_path / "mlflow.db", said := []) == 0
    assert said == []


def test_nothing_is_left_of_making_it(tmp_path: Path) -> None:
    (tmp_path / ".mlflow.db.making-1").write_bytes(b"of a maker that was killed")
    client(sqlite_uri(tmp_path / "mlflow.db"))
    assert sorted(path.name for path in tmp_path.iterdir()) == [".mlflow.db.lock", "mlflow.db"]


MAKE = """
import sys
from pathlib import Path
from uncollapse.study.tracking.projection import Projection
Projection(sys.argv[1], sys.argv[2], Path(sys.argv[3]), {}).open()
"""


@pytest.mark.slow
def test_processes_that_begin_at_once_all_find_it_whole(tmp_path: Path) -> None:
    uri = sqlite_uri(tmp_path / "mlflow.db")
    command = [sys.executable, "-P", "-c", MAKE, uri]
    started = [subprocess.Popen([*command, f"s{number}", str(tmp_path / "artifacts")]) for number in range(3)]
    assert [process.wait() for process in started] == [0, 0, 0]
    found = MlflowClient(tracking_uri=uri).search_experiments()
    assert {one.name for one in found} == {"Default", "s0", "s1", "s2"}


@pytest.mark.slow
def test_a_locked_one_is_waited_for_by_the_writer_alone(whole: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(whole, tmp_path / "mlflow.db"))
    holder = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(Busy, match="is locked by another process"):
        trouble(path)
    free = threading.Timer(12.0, lambda: (holder.rollback(), holder.close()))
    free.start()
    assert written(path, said := []) == 0
    assert "is locked by another process; the study goes on" in said[0]
    assert said[1:] == ["tracking: MLflow answers again"]


def test_it_is_not_put_aside_while_another_study_writes_into_it(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    path.write_text("no database")
    with owned(tmp_path / "mine"), owned(tmp_path / "theirs"), pytest.raises(Unusable, match="while theirs writes"):
        put_aside(path, "mine")
    assert path.exists()


@pytest.mark.parametrize("name", NAMES)
def test_any_printable_character_may_stand_in_its_path(name: str, tmp_path: Path) -> None:
    runs = tmp_path / "in" / name
    path = runs / "mlflow.db"
    assert file_of(sqlite_uri(path)) == path
    assert plain(sqlite_uri(path)) == sqlite_uri(path)
    projection = opened(runs)
    projection.describe({"study": "s"})
    assert projection.client.list_artifacts(projection.study_run())[0].path == "facts.json"
    assert list((tmp_path / "in").iterdir()) == [runs], "nothing stands beside the folder"
    assert {one.name for one in runs.iterdir()} == {".mlflow.db.lock", "mlflow.db", "artifacts"}
    assert len(list((runs / "artifacts").rglob("facts.json"))) == 1
