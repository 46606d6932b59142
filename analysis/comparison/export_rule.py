"""How sure it is that a configuration collapses rarely enough to be exported, and how many seeds that takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from uncollapse.analysis.statistics.intervals import Array, share_below

MOST_SEEDS = 100_000


@dataclass(frozen=True)
class ExportRule:
    """The limit of the collapse share, and the probability with which it has to be kept.

    That probability is P(share < limit) under Jeffreys' posterior, Beta(k + 1/2, n - k + 1/2) of k collapses on n
    judged seeds. At a limit of 1/2 three seeds without a collapse give 0.98.
    """

    limit: float = 0.5
    certainty: float = 0.95

    @classmethod
    def of(cls, study: Mapping[str, Any]) -> "ExportRule | None":
        """The rule that a study states in its settings; None where it states none."""
        stated = (study.get("settings") or {}).get("export")
        known = {name: stated[name] for name in ("limit", "certainty") if name in stated} if stated else {}
        return cls(**{**known, "limit": stated["collapse_limit"]}) if stated else None

    def probability(self, collapsed: Any, judged: Any) -> Array:
        """P(share < limit) after so many collapses on so many judged seeds; NaN where none is judged."""
        n = np.asarray(judged, dtype=float)
        return np.where(n > 0, share_below(collapsed, judged, self.limit), np.nan)[()]

    def kept_by(self, collapsed: Any, judged: Any) -> Any:
        """Whether that is enough; never where no seed is judged."""
        return self.probability(collapsed, judged) >= self.certainty

    def keeps(self, table: pd.DataFrame) -> pd.Series:
        """Which configurations keep it, of a table with `collapsed`, `judged` and `no latent`; without a code all do."""
        without = (table["judged"] == 0) & (table["no latent"] > 0)
        return pd.Series(self.kept_by(table["collapsed"], table["judged"]), index=table.index) | without

    def seeds_needed(self, share: float = 0.0) -> int | None:
        """The fewest seeds that keep it where this share of them collapses (rounded up); None where no number does."""
        n = np.arange(1, MOST_SEEDS + 1)
        enough = np.flatnonzero(self.kept_by(np.ceil(share * n - 1e-9), n))
        return int(n[enough[0]]) if len(enough) else None

    def sentence(self, collapsed: int, judged: int) -> str:
        """How sure it is of one configuration: `0 of 3 seeds collapsed, so P(collapse share < 0.5) is 0.98`."""
        sure = f"P(collapse share < {self.limit:g}) is {figure(float(self.probability(collapsed, judged)))}"
        return f"{collapsed} of {judged} seeds collapsed, so {sure}"


def figure(probability: float) -> str:
    """A probability with two digits, more where it would read as 0 or 1: 0.98, 0.9997, 3e-05."""
    if 0.005 <= probability < 0.995 or probability in (0.0, 1.0):
        return f"{probability:.2f}"
    return f"{probability:.1g}" if probability < 0.5 else f"{1 - float(f'{1 - probability:.1g}'):.10g}"
