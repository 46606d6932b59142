"""Which confirmed configuration lacks least of the export rule, and what it lacks."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from uncollapse.analysis.comparison.export_rule import ExportRule, within


def nearest(own: pd.DataFrame) -> pd.Series | None:
    """The configuration of a family that is nearest to being exported; None where none has a finished seed.

    Args:
        own: the family's rows of `comparison.configurations`, made under the rule.
    """
    known = own[own["nll"].notna()]
    return None if known.empty else known.loc[known["rank"].astype(int).idxmin()]


def lacks(row: Mapping[str, Any] | pd.Series, rule: ExportRule) -> str:
    """What a configuration lacks of the rule: `2 of 3 seeds collapsed, P(...) is 0.29 against 0.95`."""
    return "; ".join(_lacks(row, rule))


def _lacks(row: Mapping[str, Any] | pd.Series, rule: ExportRule) -> Iterator[str]:
    if row["few_seeds"]:
        yield f"{int(row['finished'])} of {int(row['planned'])} planned seeds finished, and half of them are needed"
    if row["dropped"]:
        yield f"it lost the race, {row['race']}"
    if not (row["judged"] or row["no latent"]) or (row["judged"] and not rule.kept_by(row["collapsed"], row["judged"])):
        said = rule.sureness(int(row["collapsed"]), int(row["judged"]))
        yield f"{said} against {rule.certainty:g}" if row["judged"] else said
    for limit in rule.medians:
        name, sign, bound = limit
        if not within(pd.Series([row[name]]), limit).all():
            yield f"its median {name} is {row[name]:.3g} and has to be {sign} {bound:g}"
