"""Where a study's files in MLflow lie: a database keeps whole paths, and a `runs` folder may be moved or copied."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

COLUMNS = (  # of an experiment, what is a path of the experiment's folder or below it
    ("experiments", "artifact_location", "experiment_id = :experiment"),
    ("runs", "artifact_uri", "experiment_id = :experiment"),
    ("logged_models", "artifact_location", "experiment_id = :experiment"),
    ("model_versions", "storage_location", "run_id IN (SELECT run_uuid FROM runs WHERE experiment_id = :experiment)"),
    ("model_versions", "source", "run_id IN (SELECT run_uuid FROM runs WHERE experiment_id = :experiment)"),
)
PATIENCE = 20.0  # seconds that another writer of the file may take


def folder_of(address: str) -> Path | None:
    """The folder that an artifact address names; None where it is none of this machine."""
    place = urlsplit(address)
    return Path(unquote(place.path)).resolve() if place.scheme in ("", "file") and place.path else None


def elsewhere(addresses: Iterable[str], artifacts: Path) -> list[str]:
    """Artifact addresses of this machine that do not lie under a study's folder of artifacts, each once."""
    own = artifacts.resolve()
    return [one for one in dict.fromkeys(addresses) if (place := folder_of(one)) and not place.is_relative_to(own)]


def relocate(database: Path, experiment: str, location: str, artifacts: Path) -> None:
    """Let an experiment, its runs and its models point to where the study's artifacts are now.

    Args:
        database: MLflow's SQLite file.
        experiment: its number.
        location: where the experiment kept its artifacts until now.
        artifacts: where they are.
    """
    if not elsewhere([location], artifacts):
        return
    old, new = location.rstrip("/"), artifacts.resolve().as_uri()
    place = f"{database.absolute().as_uri()}?mode=rw"
    with closing(sqlite3.connect(place, uri=True, timeout=PATIENCE)) as connection, connection:  # all of it or nothing
        for table, column, own in COLUMNS:
            connection.execute(
                f"UPDATE {table} SET {column} = :new || substr({column}, length(:old) + 1) "
                f"WHERE {own} AND ({column} = :old OR substr({column}, 1, length(:old) + 1) = :old || '/')",
                {"old": old, "new": new, "experiment": experiment},
            )
