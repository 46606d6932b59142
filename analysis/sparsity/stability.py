"""How stable the learned sparsity is from seed to seed: Average Hoyer of replicate trials, 0 dense to 1 sparse."""

import numpy as np
import pandas as pd
from scipy import stats

from uncollapse.analysis.sparsity.variance_share import share_interval
from uncollapse.analysis.statistics.intervals import LEVEL
from uncollapse.analysis.tables import UNIT

HOYER = ("hoyer_mean", "hoyer_sample", "hoyer_mean_centred", "hoyer_sample_centred")
ALL, LIVING = "all seeds", "seeds whose code is used"
_ROUNDING = 1e-24  # a variance this small is the rounding error of equal values
_SEED_COLUMNS = [*UNIT, "measure", "seeds", "mean", "sd", "low", "high"]
_EPOCH_COLUMNS = [*UNIT, "epoch", "seeds", "planned", "median", "low", "high", "mean", "sd", "mean_low", "mean_high"]
_SPREAD_COLUMNS = [
    "family",
    "measure",
    "of",
    "configurations",
    "seeds",
    "seed_sd",
    "configuration_sd",
    "share_between",
    "share_low",
    "share_high",
    "note",
]


def across_seeds(judged: pd.DataFrame, measures: tuple[str, ...] = HOYER) -> pd.DataFrame:
    """Each replicated configuration's Hoyer over seeds at the end of training: mean, sd (ddof 1), lowest, highest."""
    long = _long(judged, measures)
    table = long.groupby([*UNIT, "measure"], sort=False)["value"].agg(["count", "mean", "std", "min", "max"])
    names = {"count": "seeds", "std": "sd", "min": "low", "max": "high"}
    return table.rename(columns=names).reset_index().reindex(columns=_SEED_COLUMNS)


def by_epoch(
    judged: pd.DataFrame, curves: pd.DataFrame, measure: str = "hoyer_mean", level: float = LEVEL
) -> pd.DataFrame:
    """A measure over confirmation seeds at every epoch, on the fixed subset: median and range, mean and its interval.

    `mean_low` and `mean_high` are Student's t interval of the mean over `seeds`, NaN for one seed. The HSVAE paper's
    Figure 3 (Prokhorov et al. 2021) shades the mean plus and minus `sd`, which says how far seeds lie apart and not
    how well their mean is known. `seeds` of `planned` reached that epoch with a value; a band over fewer seeds than
    planned says so.
    """
    replicates = judged[judged["stage"] == "replicate"]
    column = f"subset/{measure}"
    if column not in curves or replicates.empty:
        return pd.DataFrame(columns=_EPOCH_COLUMNS)
    points = curves[["key", "epoch", column]].merge(replicates[["key", *UNIT]], on="key")
    points = points[pd.to_numeric(points[column], errors="coerce").notna()]
    parts = points.astype({column: float}).groupby([*UNIT, "epoch"])[column]
    table = parts.agg(["count", "median", "min", "max", "mean", "std"])
    names = {"count": "seeds", "min": "low", "max": "high", "std": "sd"}
    table = _with_t_interval(table.rename(columns=names).reset_index(), level)
    planned = replicates.groupby(UNIT).size().rename("planned").reset_index()
    return table.merge(planned, on=UNIT).reindex(columns=_EPOCH_COLUMNS)


def _with_t_interval(table: pd.DataFrame, level: float) -> pd.DataFrame:
    freedom = (table["seeds"] - 1).clip(lower=1)
    half = stats.t.ppf(0.5 + level / 2, freedom) * table["sd"] / np.sqrt(table["seeds"])
    return table.assign(mean_low=table["mean"] - half, mean_high=table["mean"] + half)


def spread(judged: pd.DataFrame, measures: tuple[str, ...] = HOYER, level: float = LEVEL) -> pd.DataFrame:
    """Spread between seeds against spread between configurations, per family and measure.

    One-way random effects with unequal groups (method of moments): seed_sd^2 = MS_within,
    configuration_sd^2 = max(0, (MS_between - MS_within) / n0); share_between, the intraclass correlation, is the second
    over their sum, with the interval of `variance_share.share_interval`. The configurations are those the search chose,
    so the figure speaks of configurations such as these and not of the whole space. `of` says which seeds: all that
    finished, or those whose code is used, which is what a collapsed seed's sparsity cannot speak of.
    Seeds are shared between configurations; that pairing is not used here.
    """
    parts = [(of, _long(group, measures)) for of, group in ((ALL, judged), (LIVING, judged[judged["collapsed"] == 0]))]
    rows = [
        {"family": family, "measure": name, "of": of, **_variances(group, level)}
        for of, long in parts
        for (family, name), group in long.groupby(["family", "measure"], sort=False)
    ]
    return pd.DataFrame(rows, columns=_SPREAD_COLUMNS)


def _variances(group: pd.DataFrame, level: float) -> dict[str, object]:
    parts = group.groupby("configuration")["value"]
    n, means = parts.count(), parts.mean()
    total, groups = int(n.sum()), len(n)
    row: dict[str, object] = {"configurations": groups, "seeds": int(n.min()), "note": ""}
    if total == groups:
        return row | {"note": "one seed per configuration: no spread between seeds to see"}
    within = float(((parts.count() - 1) * parts.var().fillna(0)).sum() / (total - groups))
    within = within if within > _ROUNDING else 0.0
    row["seed_sd"] = np.sqrt(within)
    if groups == 1:
        return row | {"note": "one configuration: nothing to compare the seeds' spread with"}
    between = float((n * (means - group["value"].mean()) ** 2).sum() / (groups - 1))
    size = (total - float((n**2).sum()) / total) / (groups - 1)
    extra = max(0.0, (between - within) / size)
    share = extra / (extra + within) if extra + within > 0 else np.nan
    row |= {"configuration_sd": np.sqrt(extra), "share_between": share}
    if within == 0:
        return row | {"note": "seeds do not differ at all: no interval"}
    if int(n.min()) == 1:
        return row | {"note": "a configuration with one seed: no interval"}
    low, high = share_interval(means, parts.var(), n, level)
    return row | {"share_low": float(low), "share_high": float(high)}


def _long(judged: pd.DataFrame, measures: tuple[str, ...]) -> pd.DataFrame:
    ended = judged[(judged["stage"] == "replicate") & (judged["state"] == "finished")]
    long = ended.melt(id_vars=UNIT, value_vars=list(measures), var_name="measure", value_name="value")
    return long.dropna(subset=["value"])
