"""The ledger as other programs of Optuna may see it: read while it grows, and never written."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from optuna.storages import JournalStorage
from optuna.storages.journal import BaseJournalBackend

from uncollapse.study.storage.journal import Journal


class ReadOnly(Journal, BaseJournalBackend):
    """A ledger's journal that refuses every entry."""

    def append_logs(self, logs: Sequence[Mapping[str, Any]]) -> None:
        """Raise PermissionError: an entry of another program could delete the search of a family."""
        raise PermissionError("a study's ledger is written by its own runs alone")


def storage(path: Path) -> JournalStorage:
    """Optuna's storage over a ledger's file, without a way to change it."""
    return JournalStorage(ReadOnly(path.resolve()))
