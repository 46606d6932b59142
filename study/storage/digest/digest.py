"""A ledger, read for where its study is: only what is new since a snapshot, and since it was read before."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from uncollapse.study.outline import Outline
from uncollapse.study.storage.digest import snapshot
from uncollapse.study.storage.digest.replay import Replay
from uncollapse.study.storage.journal import Journal

LEAST, SHARE = 4_000_000, 0.02  # bytes that are new, and their share of the ledger, that a snapshot is written for
LINES = 20_000  # between two words of how far it is
Found = TypeVar("Found")
Told = Callable[[int, int], None]  # bytes that were read, of so many


class Unfit(Exception):
    """A ledger that cannot be followed line by line: without seals, damaged, or written by others."""


class Digest:
    """What a sealed and sound ledger says of where its study is.

    Args:
        ledger: its file.
        name: of the study.
        told: how far it is, while it reads.
    """

    def __init__(self, ledger: Path, name: str, told: Told = lambda read, size: None) -> None:
        self.ledger, self.name, self.told = ledger, name, told
        self._begin()
        if (found := snapshot.read(ledger, name)) is not None:
            mark, self.known = found
            self.journal.go_on(mark)
            self.kept = mark.bytes

    def _begin(self) -> None:
        self.journal, self.known, self.kept = Journal(self.ledger), Replay(self.name), 0

    def outlines(self) -> list[Outline]:
        """Of every trial, as `tables.recorded` gives its records.

        Raises:
            Unfit: the ledger says it otherwise.
        """
        return self._read(self._outlines)

    def keep(self) -> None:
        """Read on, and write a snapshot if enough is new.

        Raises:
            Unfit: the ledger is none of which a snapshot is kept.
        """
        self._read(self._follow)
        mark = self.journal.mark
        if mark.bytes - self.kept >= max(LEAST, SHARE * mark.bytes) and snapshot.write(self.ledger, mark, self.known):
            self.kept = mark.bytes

    def _read(self, what: Callable[[], Found]) -> Found:
        """Go on from where it was; where that leads nowhere, from the beginning."""
        if self.journal.lines:
            with suppress(Unfit):
                return _fitting(what)
            self._begin()
        return _fitting(what)

    def _outlines(self) -> list[Outline]:
        self._follow()
        return self.known.outlines()

    def _follow(self) -> None:
        before, size = self.journal.mark, _size(self.ledger)
        if size < before.bytes:
            raise Unfit("it is shorter than it was")
        for number, line in enumerate(self.journal.read_lines(), before.lines + 1):
            if self.journal.sealed is not True or self.journal.lines != number:
                raise Unfit("its lines have no seals, or it is another file than it was")
            self.known.follow(line)
            if number % LINES == 0:
                self.told(self.journal.mark.bytes, size)


def _fitting(what: Callable[[], Found]) -> Found:
    """What a function returns; `Unfit` for whatever it raises but for errors of the disk."""
    try:
        return what()
    except OSError:
        raise
    except Exception as error:
        raise Unfit(str(error)) from error


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
