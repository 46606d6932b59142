"""The export rule: which configurations may be a family's best, and the sentence that says so."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from uncollapse.study.config.objectives import Limit, limits

RULE = (
    "lowest median {nll} over the confirmation seeds, among configurations with at least half of their seeds finished "
    "that no race dropped and whose upper 95 % Wilson bound of the collapse share is at most {limit:g}"
)


def keeping(table: pd.DataFrame, collapse_limit: float, subject_to: Sequence[Limit] = ()) -> pd.DataFrame:
    """The rows of `analysis.comparison.configurations.configurations` that may be exported."""
    within = (table["wilson_high"] <= collapse_limit) | (table["judged"] == 0) & (table["no latent"] > 0)
    for limit in subject_to:
        median = table[limit.measure]
        within &= median.isna() | (median >= limit.bound if limit.sign == ">=" else median <= limit.bound)
    return table[table["nll"].notna() & within & ~table["few_seeds"] & (table["dropped"] == 0)]


def all_of(subject_to: Sequence[Limit]) -> str:
    return " and ".join(map(str, subject_to))


def rule(estimator: str, settings: Mapping[str, Any]) -> str:
    """The export rule of a study, as a sentence."""
    text = RULE.format(nll=estimator, limit=settings["export"]["collapse_limit"])
    subject_to = limits(settings["search"].get("subject_to", {}))
    return f"{text}, and whose medians have {all_of(subject_to)}" if subject_to else text
