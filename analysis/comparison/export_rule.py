"""Which configurations may be exported: those of which it is sure enough that they collapse rarely."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from uncollapse.analysis.counted import counted
from uncollapse.analysis.statistics.intervals import Array, share_below

MOST_SEEDS = 100_000
MedianLimit = tuple[str, str, float]  # a measure, >= or <=, and its bound


@dataclass(frozen=True)
class ExportRule:
    """What a configuration has to keep to be exported.

    P(collapse share < limit) has to be at least `certainty`, under Jeffreys' posterior Beta(k + 1/2, n - k + 1/2) of k
    collapses on n judged seeds. At a limit of 1/2 three seeds without a collapse give 0.97.

    Args:
        limit: of the collapse share.
        certainty: of keeping it.
        medians: what medians over the seeds have to keep besides.
    """

    limit: float = 0.5
    certainty: float = 0.95
    medians: tuple[MedianLimit, ...] = ()

    @classmethod
    def of(cls, study: Mapping[str, Any]) -> "ExportRule | None":
        """The rule among a study's facts; None where they have none."""
        stated = study.get("export_rule")
        if not stated:
            return None
        return cls(stated["limit"], stated["certainty"], tuple((*limit,) for limit in stated["medians"]))

    def probability(self, collapsed: Any, judged: Any) -> Array:
        """P(share < limit) after so many collapses on so many judged seeds; NaN where none is judged."""
        n = np.asarray(judged, dtype=float)
        return np.where(n > 0, share_below(collapsed, judged, self.limit), np.nan)[()]

    def kept_by(self, collapsed: Any, judged: Any) -> Any:
        """Whether that is enough; never where no seed is judged."""
        return self.probability(collapsed, judged) >= self.certainty

    def rarely(self, table: pd.DataFrame) -> pd.Series:
        """Which rows with `collapsed`, `judged` and `no latent` collapse rarely enough; without a code all do."""
        without = (table["judged"] == 0) & (table["no latent"] > 0)
        return pd.Series(self.kept_by(table["collapsed"], table["judged"]), index=table.index) | without

    def keeps(self, table: pd.DataFrame) -> pd.Series:
        """Which rows of `comparison.configurations` collapse rarely enough and have medians within the limits."""
        kept = self.rarely(table)
        for limit in self.medians:
            kept &= within(table[limit[0]], limit)
        return kept

    def shortfall(self, table: pd.DataFrame) -> pd.Series:
        """How far each row is from keeping the rule: 0 where it does, else 1 less the probability that it collapses
        rarely, and just above 0 where it collapses rarely enough and a median breaks a limit."""
        sure = pd.Series(self.probability(table["collapsed"], table["judged"]), index=table.index).fillna(0.0)
        doubt = (1.0 - sure).where(~self.rarely(table), np.finfo(float).eps)
        return doubt.where(~self.keeps(table), 0.0)

    def keeping(self, table: pd.DataFrame) -> pd.DataFrame:
        """The rows of `comparison.configurations` that may be exported, in their order."""
        able = table["nll"].notna() & ~table["few_seeds"].astype(bool) & (table["dropped"] == 0)
        return table[able & self.keeps(table)]

    def seeds_needed(self, share: float = 0.0) -> int | None:
        """The fewest seeds that keep it where this share of them collapses (rounded up); None where no number does."""
        n = np.arange(1, MOST_SEEDS + 1)
        enough = np.flatnonzero(self.kept_by(np.ceil(share * n - 1e-9), n))
        return int(n[enough[0]]) if len(enough) else None

    def sureness(self, collapsed: int, judged: int) -> str:
        """How sure it is of one configuration: `0 of 3 seeds collapsed, P(collapse share < 0.5) is 0.97`."""
        if not judged:
            return "no seed could be judged"
        sure = figure(float(self.probability(collapsed, judged)))
        return f"{collapsed} of {counted(judged, 'seed')} collapsed, P(collapse share < {self.limit:g}) is {sure}"


def within(median: pd.Series, limit: MedianLimit) -> pd.Series:
    """Whether medians keep a limit; one that a model does not have has none."""
    _, sign, bound = limit
    return median.isna() | (median >= bound if sign == ">=" else median <= bound)


def figure(probability: float) -> str:
    """A probability with two digits, more where it would read as 0 or 1: 0.98, 0.9997, 3e-05."""
    if 0.005 <= probability < 0.995 or probability in (0.0, 1.0):
        return f"{probability:.2f}"
    return f"{probability:.1g}" if probability < 0.5 else f"{1 - float(f'{1 - probability:.1g}'):.10g}"
