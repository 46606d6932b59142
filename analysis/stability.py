"""How stable the learned sparsity is from seed to seed: Average Hoyer of replicate trials, 0 dense to 1 sparse."""

import numpy as np
import pandas as pd

HOYER = ("hoyer_mean", "hoyer_sample", "hoyer_mean_centred", "hoyer_sample_centred")
UNIT = ["family", "configuration"]
_SEED_COLUMNS = [*UNIT, "measure", "seeds", "mean", "sd", "low", "high"]
_EPOCH_COLUMNS = [*UNIT, "epoch", "seeds", "planned", "median", "low", "high"]
_SPREAD_COLUMNS = [
    "family",
    "measure",
    "configurations",
    "seeds",
    "seed_sd",
    "configuration_sd",
    "share_between",
    "note",
]


def across_seeds(judged: pd.DataFrame, measures: tuple[str, ...] = HOYER) -> pd.DataFrame:
    """Each replicated configuration's Hoyer over seeds at the end of training: mean, sd (ddof 1), lowest, highest."""
    long = _long(judged, measures)
    table = long.groupby([*UNIT, "measure"], sort=False)["value"].agg(["count", "mean", "std", "min", "max"])
    names = {"count": "seeds", "std": "sd", "min": "low", "max": "high"}
    return table.rename(columns=names).reset_index().reindex(columns=_SEED_COLUMNS)


def by_epoch(judged: pd.DataFrame, curves: pd.DataFrame, measure: str = "hoyer_mean") -> pd.DataFrame:
    """A measure's median and full range over confirmation seeds at every epoch, on the fixed subset.

    `seeds` of `planned` reached that epoch with a value; a band over fewer seeds than planned says so.
    """
    replicates = judged[judged["stage"] == "replicate"]
    column = f"subset/{measure}"
    if column not in curves or replicates.empty:
        return pd.DataFrame(columns=_EPOCH_COLUMNS)
    points = curves[["key", "epoch", column]].merge(replicates[["key", *UNIT]], on="key")
    points = points[pd.to_numeric(points[column], errors="coerce").notna()]
    table = points.astype({column: float}).groupby([*UNIT, "epoch"])[column].agg(["count", "median", "min", "max"])
    table = table.rename(columns={"count": "seeds", "min": "low", "max": "high"}).reset_index()
    planned = replicates.groupby(UNIT).size().rename("planned").reset_index()
    return table.merge(planned, on=UNIT).reindex(columns=_EPOCH_COLUMNS)


def spread(judged: pd.DataFrame, measures: tuple[str, ...] = HOYER) -> pd.DataFrame:
    """Spread between seeds against spread between configurations, per family and measure.

    One-way random effects with unequal groups (method of moments): seed_sd^2 = MS_within,
    configuration_sd^2 = max(0, (MS_between - MS_within) / n0); share_between is the second over their sum.
    Seeds are shared between configurations; that pairing is not used here.
    """
    long = _long(judged, measures)
    rows = [
        {"family": family, "measure": name, **_variances(group)}
        for (family, name), group in long.groupby(["family", "measure"], sort=False)
    ]
    return pd.DataFrame(rows, columns=_SPREAD_COLUMNS)


def _variances(group: pd.DataFrame) -> dict[str, object]:
    parts = group.groupby("configuration")["value"]
    n, means = parts.count(), parts.mean()
    total, groups = int(n.sum()), len(n)
    row: dict[str, object] = {"configurations": groups, "seeds": int(n.min()), "note": ""}
    if total == groups:
        return row | {"note": "one seed per configuration: no spread between seeds to see"}
    within = float(((parts.count() - 1) * parts.var().fillna(0)).sum() / (total - groups))
    row["seed_sd"] = np.sqrt(within)
    if groups == 1:
        return row | {"note": "one configuration: nothing to compare the seeds' spread with"}
    between = float((n * (means - group["value"].mean()) ** 2).sum() / (groups - 1))
    size = (total - float((n**2).sum()) / total) / (groups - 1)
    extra = max(0.0, (between - within) / size)
    share = extra / (extra + within) if extra + within > 0 else np.nan
    return row | {"configuration_sd": np.sqrt(extra), "share_between": share}


def _long(judged: pd.DataFrame, measures: tuple[str, ...]) -> pd.DataFrame:
    ended = judged[(judged["stage"] == "replicate") & (judged["state"] == "finished")]
    long = ended.melt(id_vars=UNIT, value_vars=list(measures), var_name="measure", value_name="value")
    return long.dropna(subset=["value"])
