"""Where a study is by its ledger: from a digest where one can be had, else from all of it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from uncollapse.study.outline import Outline
from uncollapse.study.storage.damage import Damage
from uncollapse.study.storage.digest.digest import Digest, Told, Unfit

if TYPE_CHECKING:
    from uncollapse.study.storage.ledger import Ledger


class Known:
    """Where a study is, read from its ledger as often as that is asked.

    Args:
        folder: of the study.
        name: of the study.
        told: how far it is, while it reads.
    """

    def __init__(self, folder: Path, name: str, told: Told = lambda read, size: None) -> None:
        self.folder, self.name, self.told = folder, name, told
        self.path = folder / "ledger.journal"
        self._digest: Digest | None = None
        self._ledger: Ledger | None = None  # in place of the digest of one that is unfit
        self._file = 0  # its number in the file system: one that is mended is another

    @property
    def damage(self) -> Damage | None:
        """What to say of damaged lines that were found."""
        return None if self._ledger is None else self._ledger.damage

    def outlines(self) -> Sequence[Outline]:
        """Of every trial; a snapshot is kept where one can be.

        Raises:
            UserError: the ledger is damaged, and it cannot be told what hangs on that.
        """
        if self._ledger is None or self._file != _file(self.path):
            try:
                return self._followed()
            except Unfit:
                self._read_whole()
        from uncollapse.study.storage.tables import recorded

        assert self._ledger is not None
        return recorded(self._ledger)

    def _followed(self) -> Sequence[Outline]:
        self._ledger = None
        self._digest = self._digest or Digest(self.path, self.name, self.told)
        found = self._digest.outlines()
        self._digest.keep()
        return found

    def _read_whole(self) -> None:
        """Let Optuna read it, and what salvages damaged lines."""
        from uncollapse.study.storage.ledger import Ledger

        self._digest, self._file = None, _file(self.path)
        self._ledger = Ledger(self.folder, self.name)


def _file(path: Path) -> int:
    return path.stat().st_ino if path.exists() else 0
