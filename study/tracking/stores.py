"""A study's place in a store: database and experiment, why they cannot be used, or new ones where asked for."""

from collections.abc import Callable
from datetime import UTC, datetime

from mlflow import MlflowClient
from mlflow.entities import Experiment

from uncollapse.study.config.tracking_uri import database
from uncollapse.study.tracking.database import Busy, Unusable, client, put_aside, trouble

Say = Callable[[str], None]
DELETED = "deleted"


def opened(uri: str, study: str, anew: bool, say: Say) -> MlflowClient:
    """A client of the store.

    Args:
        uri: of it.
        study: that asks.
        anew: put aside a database that cannot be used, and make another.
        say: told what was put aside.

    Raises:
        Unusable: it cannot be used.
        Busy: another process keeps it for itself.
    """
    path = database(uri)
    if anew and path is not None and _unusable(uri):
        say(f"tracking: what stood at {path} is now {put_aside(path, study)}; other studies fill the new one when run")
    return client(uri)


def _unusable(uri: str) -> bool:
    path = database(uri)
    try:
        return path is not None and trouble(path) is not None
    except Busy:
        return True


def experiment(store: MlflowClient, uri: str, study: str, anew: bool, say: Say) -> Experiment | None:
    """A study's experiment, None where there is none yet.

    Raises:
        Unusable: it was deleted, and is not to be replaced.
    """
    found = store.get_experiment_by_name(study)
    if found is None or found.lifecycle_stage != DELETED or not anew:
        refuse_deleted(found, uri)
        return found
    aside = f"{study} (put aside {datetime.now(UTC):%Y-%m-%d %H:%M:%S})"
    store.restore_experiment(found.experiment_id)  # only one that is not deleted can be renamed
    store.rename_experiment(found.experiment_id, aside)
    store.delete_experiment(found.experiment_id)
    say(f"tracking: the deleted experiment {found.experiment_id} is now called {aside!r}; a new {study!r} is filled")
    return None


def refuse_deleted(found: Experiment | None, uri: str) -> None:
    """Raise `Unusable` for an experiment that was deleted."""
    if found is None or found.lifecycle_stage != DELETED:
        return
    number = found.experiment_id
    raise Unusable(
        f"experiment {found.name!r} (number {number}) of {uri} is deleted; `MLFLOW_TRACKING_URI='{uri}' mlflow "
        f"experiments restore --experiment-id {number}` restores it, and `uncollapse run` with `--new-tracking` fills "
        "a new one from the ledger"
    )
