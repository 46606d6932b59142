"""The export rule: which configurations may be a family's best, and the sentence that says so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from uncollapse.analysis.comparison.export_rule import ExportRule
from uncollapse.study.config.objectives import Limit, limits

RULE = (
    "lowest median {nll} over the confirmation seeds, among configurations with at least half of their seeds finished "
    "that no race dropped and of which it is sure to {certainty:g} that their collapse share is below {limit:g} "
    "(Jeffreys)"
)


@dataclass(frozen=True)
class SelectionRule:
    """What a configuration has to keep to be exported.

    Args:
        collapse: how rarely it has to collapse, and how sure that has to be.
        medians: limits that the page states itself, which medians over the seeds have to keep. Codes that are used,
            `living`, are no such limit here: there every seed's own verdict counts, as a collapse or none.
    """

    collapse: ExportRule
    medians: tuple[Limit, ...] = ()

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "SelectionRule":
        """The rule of a study, from its resolved settings."""
        subject_to = settings["search"].get("subject_to", {})
        own = () if isinstance(subject_to, str) else limits(subject_to)
        return cls(ExportRule.of({"settings": settings}) or ExportRule(), own)

    def keeping(self, table: pd.DataFrame) -> pd.DataFrame:
        """The rows of `analysis.comparison.configurations.configurations` that may be exported."""
        within = self.collapse.keeps(table)
        for limit in self.medians:
            median = table[limit.measure]
            within &= median.isna() | (median >= limit.bound if limit.sign == ">=" else median <= limit.bound)
        return table[table["nll"].notna() & within & ~table["few_seeds"] & (table["dropped"] == 0)]

    def sentence(self, estimator: str) -> str:
        """The rule in words."""
        text = RULE.format(nll=estimator, limit=self.collapse.limit, certainty=self.collapse.certainty)
        return f"{text}, and whose medians have {all_of(self.medians)}" if self.medians else text


def all_of(kept: Sequence[Limit]) -> str:
    return " and ".join(map(str, kept))
