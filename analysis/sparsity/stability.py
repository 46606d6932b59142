"""How stable the learned sparsity is from seed to seed: Average Hoyer of replicate trials, 0 dense to 1 sparse."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from uncollapse.analysis.statistics.intervals import LEVEL, Interval
from uncollapse.analysis.tables import UNIT

HOYER = ("hoyer_mean", "hoyer_sample", "hoyer_mean_centred", "hoyer_sample_centred")
_ROUNDING = 1e-24  # a variance this small is the rounding error of equal values
_SEED_COLUMNS = [*UNIT, "measure", "seeds", "mean", "sd", "low", "high"]
_EPOCH_COLUMNS = [*UNIT, "epoch", "seeds", "planned", "median", "low", "high", "mean", "sd", "mean_low", "mean_high"]
_SPREAD_COLUMNS = [
    "family",
    "measure",
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
    over their sum, with the interval of `share_interval`. The configurations are those the search chose, so the figure
    speaks of configurations such as these and not of the whole space.
    Seeds are shared between configurations; that pairing is not used here.
    """
    long = _long(judged, measures)
    rows = [
        {"family": family, "measure": name, **_variances(group, level)}
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
    low, high = share_interval(means, n, within, level)
    return row | {"share_low": float(low), "share_high": float(high)}


def share_interval(means: npt.ArrayLike, n: npt.ArrayLike, within: npt.ArrayLike, level: float = LEVEL) -> Interval:
    """Interval of the share of variance between groups, from their means (..., k), sizes (k,) and mean square within.

    F = h var(means) / within with h the harmonic mean of the sizes; theta = (F / F_q - 1) / h at the quantiles of F on
    k - 1 and N - k degrees, and theta / (1 + theta), cut at 0. Exact for normal values and equal sizes (Searle 1971,
    ch. 9), the approximation of Thomas & Hultquist (1978) for unequal ones. Many seeds narrow it little where
    configurations are few: with three of them it stays wide.
    """
    sizes = np.asarray(n, dtype=float)
    groups, harmonic = len(sizes), len(sizes) / np.sum(1 / sizes)
    ratio = harmonic * np.var(np.asarray(means, dtype=float), axis=-1, ddof=1) / np.asarray(within, dtype=float)
    bounds = stats.f.ppf([0.5 + level / 2, 0.5 - level / 2], groups - 1, sizes.sum() - groups)
    low, high = (np.maximum(0.0, (ratio / bound - 1) / harmonic) for bound in bounds)
    return Interval(low / (1 + low), high / (1 + high))


def _long(judged: pd.DataFrame, measures: tuple[str, ...]) -> pd.DataFrame:
    ended = judged[(judged["stage"] == "replicate") & (judged["state"] == "finished")]
    long = ended.melt(id_vars=UNIT, value_vars=list(measures), var_name="measure", value_name="value")
    return long.dropna(subset=["value"])
