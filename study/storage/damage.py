"""What is said of a ledger some of whose lines are damaged."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

NAMED = 5  # lines, and trials, that are named each on its own


@dataclass(frozen=True)
class Damage:
    """Damaged lines of a ledger, and what hangs on them.

    Args:
        path: of the ledger.
        lines: their numbers in it, from 1.
        trials: a phrase for each trial that counts no longer.
        aside: the copy of the damaged ledger, once another was written in its place.
    """

    path: Path
    lines: Sequence[int]
    trials: Sequence[str]
    aside: Path | None = None

    def __str__(self) -> str:
        return f"{self.path}, {self.sentence}"

    @property
    def sentence(self) -> str:
        """Without the path, which is nobody's business where a report is handed round."""
        lines = f"line{'s' * (len(self.lines) > 1)} {_listed(list(map(str, self.lines)))}"
        counts = f"not counted any more: {_listed(list(self.trials))}" if self.trials else "no ended trial is lost"
        then = "the next run trains what is missing again and keeps a copy of this file"
        if self.aside is not None:
            then = f"the damaged file is kept as {self.aside.name}, and what is missing is trained again"
        return f"{lines}: damaged since it was written; {counts}; {then}"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
