"""Which configurations are best on confirmation seeds, and which configurations are compared with which."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from uncollapse.analysis.collapse.rates import by_configuration
from uncollapse.analysis.comparison.export_rule import ExportRule
from uncollapse.analysis.statistics.intervals import LEVEL
from uncollapse.analysis.statistics.medians import median_ends
from uncollapse.analysis.tables import UNIT, hyperparameters, numbers, settings

Unit = tuple[str, str]
MEDIANS = (
    *("ppl", "mi", "kl", "active_units", "latent_gain", "accuracy", "dims_dropped", "cosine"),
    *("hoyer_mean", "hoyer_mean_centred", "hoyer_sample", "hoyer_sample_centred"),
)


def estimator(study: Mapping[str, Any], name: str, split: str = "valid") -> str:
    """A likelihood's name with its sample count: `nll_iw (K = 64)`."""
    samples = study.get(f"iw_samples_{split}")
    return f"{name} (K = {samples})" if name == "nll_iw" and samples else str(name)


def configurations(judged: pd.DataFrame, level: float = LEVEL, rule: ExportRule | None = None) -> pd.DataFrame:
    """One row per replicated configuration: why it is confirmed (`role`), hyperparameters, medians, and collapses.

    `nll` is the median of the estimator named beside it, with an order-statistic interval over `finished` seeds. `rank`
    orders a family's configurations by it, and so do the rows. Those that do not keep the export rule come after all
    that do, the nearest to keeping it first; last come those with fewer than half of their planned seeds finished, and
    those that a race dropped. `race` says why one was dropped. `below_limit` is the probability that its collapse share
    is below the rule's limit.

    Args:
        rule: of the study's export; None where it has none, and then likelihood alone orders.
    """
    table = by_configuration(judged, level)
    replicates = judged[judged["stage"] == "replicate"]
    details = [
        {"family": family, "configuration": name, **_details(group, level)}
        for (family, name), group in replicates.groupby(UNIT, sort=False)
    ]
    columns = [*UNIT, "role", "settings", "race", "finished", "nll_estimator", "nll", "nll_low", "nll_high", *MEDIANS]
    table = table.merge(pd.DataFrame(details, columns=columns), on=UNIT, how="left")
    thin = table["finished"] * 2 < table["planned"]
    sure = np.nan if rule is None else rule.probability(table["collapsed"], table["judged"])
    table = table.assign(below_limit=sure)
    short = 0.0 if rule is None else rule.shortfall(table)
    by_figure = table.assign(thin=thin, given_up=table["dropped"] > 0, short=short)
    order = by_figure.sort_values(["thin", "given_up", "short", "nll"], kind="stable").groupby("family").cumcount() + 1
    table = table.assign(few_seeds=thin, rank=order.where(table["nll"].notna()).astype("Int64"))
    places = {family: i for i, family in enumerate(judged["family"].unique())}
    by_place = table.assign(place=table["family"].map(places)).sort_values(["place", "rank"], kind="stable")
    return by_place.drop(columns="place").reset_index(drop=True)


def _details(group: pd.DataFrame, level: float) -> dict[str, Any]:
    ended = group[(group["state"] == "finished") & group["nll"].notna()]
    row: dict[str, Any] = {name: _median_of(ended[name]) for name in MEDIANS}
    row["race"] = (
        str(group.loc[group["state"] == "dropped", "cause"].min()) if (group["state"] == "dropped").any() else ""
    )
    row["role"] = next((role for role in reversed(group["role"].tolist()) if role), "")
    row |= {
        "settings": settings(group.iloc[0].to_dict(), hyperparameters(group)),
        "finished": len(ended),
        "nll_estimator": "",
    }
    if len(ended):
        low, high = median_ends(ended["nll"], level)
        row |= {"nll": _median_of(ended["nll"]), "nll_low": float(low), "nll_high": float(high)}
        row["nll_estimator"] = str(ended["nll_estimator"].iloc[0])
    return row


def _median_of(values: pd.Series) -> float:
    known = values.dropna()
    return float(known.median()) if len(known) else np.nan


def best(table: pd.DataFrame) -> pd.DataFrame:
    """Each family's configuration of rank 1, exported where it may be; families without a figure are left out."""
    return table[table["rank"] == 1].reset_index(drop=True)


def by_seed(judged: pd.DataFrame, measure: str) -> pd.DataFrame:
    """A measure of finished replicate trials: a row per unit (family, configuration), a column per planned seed.

    NaN where a seed has no figure. Of a seed that is recorded twice the last record counts.
    """
    replicates = judged[judged["stage"] == "replicate"].drop_duplicates([*UNIT, "seed"], keep="last")
    values = numbers(replicates, measure).where(replicates["state"] == "finished")
    table = replicates[[*UNIT, "seed"]].assign(value=values).pivot(index=UNIT, columns="seed", values="value")
    return table.reindex(pd.MultiIndex.from_frame(replicates[UNIT].drop_duplicates())).sort_index(axis=1)


class Contest(NamedTuple):
    """Units that are ranked against one another, in the order of their ranks.

    scope "configurations": those of the family `name`. scope "families": every family's best configuration, among
    families with the likelihood `name`; the best are chosen on the same seeds, which flatters each of them a little.
    """

    scope: str
    name: str
    units: list[Unit]


def contests(table: pd.DataFrame) -> list[Contest]:
    """Every contest of a study, from its `configurations`; without those of few seeds or no figure."""
    able = table[table["nll"].notna() & ~table["few_seeds"].astype(bool)]
    first = able[able["rank"] == 1].sort_values("nll", kind="stable")
    groups = [("families", name, group) for name, group in first.groupby("nll_estimator", sort=False)]
    groups += [("configurations", name, group) for name, group in able.groupby("family", sort=False)]
    return [
        Contest(scope, str(name), list(group[UNIT].itertuples(index=False, name=None))) for scope, name, group in groups
    ]
