"""How often training collapses: per configuration, per family, over the threshold, and along the searched
hyperparameters.

Only replicate trials answer "how often". The functions over search trials describe what an adaptive search visited.
All take judged trials (`analysis.verdicts.judge`) and return tables.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from uncollapse.analysis.schema import OUT_OF_TIME
from uncollapse.analysis.statistics.intervals import LEVEL, jeffreys, proportion
from uncollapse.analysis.tables import UNIT, stacked
from uncollapse.analysis.verdict_rule import JUDGED, VERDICTS

FACTORS = np.geomspace(0.01, 100, 81)


def by_configuration(judged: pd.DataFrame, level: float = LEVEL) -> pd.DataFrame:
    """Collapses per replicated configuration: k of n judged seeds with Wilson and Jeffreys intervals.

    Seeds without a verdict are counted by state and enter no share; `share_least` and `share_most` say what the share
    over all planned seeds would be if none, or all, of them had collapsed.
    """
    replicates = judged[judged["stage"] == "replicate"]
    counts = _verdict_counts(replicates, UNIT)
    unknown = counts["planned"] - counts["judged"] - counts["no latent"]
    shares = _shares(counts["collapsed"], counts["judged"], level)
    planned = (counts["planned"] - counts["no latent"]).where(lambda n: n > 0)
    counts = counts.assign(
        **shares,
        share_least=counts["collapsed"] / planned,
        share_most=(counts["collapsed"] + unknown) / planned,
    )
    return counts.reset_index()


def by_family(judged: pd.DataFrame, level: float = LEVEL) -> pd.DataFrame:
    """Collapse share per family: the mean over its replicated configurations, and how far they lie apart.

    Every configuration weighs the same. Configurations share their seeds, so runs are not independent: the interval
    is Wilson's with n = the number of judged seeds of the configuration that has fewest: the usual one for one
    configuration, and conservative for several, whatever the dependence, because a mean of shares varies no more than
    one share does. It speaks of these configurations, not of the family's whole space.
    `configuration_sd` is the raw spread; `excess_sd` is what remains of it after the seeds' own noise.
    """
    rows = [
        {"family": family, **_family_row(group, level)}
        for family, group in by_configuration(judged, level).groupby("family", sort=False)
    ]
    return pd.DataFrame(rows, columns=["family", *_FAMILY_COLUMNS])


_COUNTED = ["planned", "judged", *VERDICTS]
_SPREAD = ["configuration_low", "configuration_high", "configuration_sd", "excess_sd"]
_FAMILY_COLUMNS = ["configurations", "seeds", *_COUNTED, "share", "low", "high", *_SPREAD]


def _family_row(group: pd.DataFrame, level: float) -> dict[str, float]:
    row: dict[str, float] = {name: int(group[name].sum()) for name in _COUNTED}
    row["configurations"] = len(group)
    known = group[group["judged"] > 0]
    row["seeds"] = int(known["judged"].min()) if len(known) else 0
    if len(known):
        share = float(known["share"].mean())
        low, high = proportion(share * row["seeds"], row["seeds"], level)
        row |= {"share": share, "low": float(low), "high": float(high), **_spread(known)}
    return row


def _spread(known: pd.DataFrame) -> dict[str, float]:
    share, n = known["share"], known["judged"]
    row = {"configuration_low": float(share.min()), "configuration_high": float(share.max())}
    if len(known) > 1 and (n > 1).all():
        noise = float((share * (1 - share) / (n - 1)).mean())
        row["configuration_sd"] = float(share.std())
        row["excess_sd"] = float(np.sqrt(max(0.0, share.var() - noise)))
    return row


def threshold_curve(judged: pd.DataFrame, factors: npt.ArrayLike = FACTORS, level: float = LEVEL) -> pd.DataFrame:
    """Collapse share per family as both thresholds move together: factor 1 is the verdict used everywhere else."""
    grid = np.asarray(factors, dtype=float)
    replicates = judged[(judged["stage"] == "replicate") & judged["strength"].notna()]
    tables = []
    for family, group in replicates.groupby("family", sort=False):
        parts = [g["strength"].to_numpy() for _, g in group.groupby("configuration")]
        share = np.mean([(part[:, None] < grid).mean(axis=0) for part in parts], axis=0)
        seeds = min(len(part) for part in parts)
        low, high = proportion(np.clip(share, 0, 1) * seeds, seeds, level)
        tables.append(pd.DataFrame({"family": family, "factor": grid, "share": share, "low": low, "high": high}))
    return stacked(tables, ["family", "factor", "share", "low", "high"])


def by_population(judged: pd.DataFrame, level: float = LEVEL) -> pd.DataFrame:
    """Collapse share among search trials: all of them, those stopped early, and the audit share that is never stopped.

    What a budget of hours stopped says nothing of stopping early, and stands among all alone.
    """
    search = judged[judged["stage"] == "search"]
    in_time = search[search["cause"] != OUT_OF_TIME]
    populations = {
        "all search trials": search,
        "stopped early": in_time[in_time["state"] == "stopped"],
        "audit (never stopped)": in_time[in_time["audit"]],
    }
    tables = [
        _group_shares(part.assign(population=name), ["family", "population"], level)
        for name, part in populations.items()
    ]
    return pd.concat(tables, ignore_index=True)


def by_level(search: pd.DataFrame, bins: pd.Series, level: float = LEVEL) -> pd.DataFrame:
    """Collapse share among these search trials in each bin of a hyperparameter."""
    return _group_shares(search.assign(bin=bins), ["bin"], level)


def _group_shares(trials: pd.DataFrame, keys: list[str], level: float) -> pd.DataFrame:
    known = trials[trials["collapsed"].notna()]
    counts = known.assign(collapsed=known["collapsed"].astype(int)).groupby(keys, sort=False)["collapsed"]
    table = counts.agg(["sum", "count"]).rename(columns={"sum": "collapsed", "count": "judged"})
    return table.assign(**_shares(table["collapsed"], table["judged"], level)).reset_index()


def _shares(k: pd.Series, n: pd.Series, level: float) -> dict[str, npt.NDArray[np.float64]]:
    known = (n > 0).to_numpy()
    score, prior = proportion(k, n, level), jeffreys(k, n, level)
    columns = {
        "share": k / n.where(n > 0),
        "wilson_low": score.low,
        "wilson_high": score.high,
        "jeffreys_low": prior.low,
        "jeffreys_high": prior.high,
    }
    return {name: np.where(known, np.asarray(values, dtype=float), np.nan) for name, values in columns.items()}


def _verdict_counts(trials: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    flags = pd.DataFrame({name: (trials["verdict"] == name).astype(int) for name in VERDICTS})
    counts = flags.groupby([trials[key] for key in keys], sort=False).sum()
    counts.insert(0, "planned", counts.drop(columns="dropped").sum(axis=1))  # what a race gave up has no outcome
    counts.insert(1, "judged", counts[list(JUDGED)].sum(axis=1))
    return counts
