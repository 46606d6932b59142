"""Which settings are best on confirmation seeds, and what the search had promised on tuning seeds."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.collapse import by_configuration
from analysis.intervals import LEVEL, bootstrap_median
from analysis.tables import knobs, numbers, settings
from study.records import STAND_INS

UNIT = ["family", "configuration"]
MEDIANS = ("ppl", "mi", "kl", "active_units", "latent_gain", "hoyer_mean", "hoyer_sample_centred", "cosine")
SELECT = "subset/nll_iw"
_PROMISE = ["family", "configuration", "measure", "tuning_seed", "search", "replicate", "low", "high", "seeds", "note"]


def estimator(study: Mapping[str, Any], name: str, split: str = "valid") -> str:
    """A likelihood's name with its sample count: `nll_iw (K = 64)`."""
    samples = study.get(f"iw_samples_{split}")
    return f"{name} (K = {samples})" if name == "nll_iw" and samples else str(name)


def configurations(judged: pd.DataFrame, level: float = LEVEL, seed: int = 0) -> pd.DataFrame:
    """One row per replicated configuration: its settings, medians over finished seeds, and its collapses.

    `nll` is the median of the estimator named beside it, with a bootstrap interval over `finished` seeds. `rank` orders
    a family's configurations by it, and so do the rows; those with fewer than half of their planned seeds finished
    come last.
    """
    table = by_configuration(judged, level)
    replicates = judged[judged["stage"] == "replicate"]
    details = [
        {"family": family, "configuration": name, **_details(group, level, seed)}
        for (family, name), group in replicates.groupby(UNIT, sort=False)
    ]
    columns = [*UNIT, "settings", "finished", "nll_estimator", "nll", "nll_low", "nll_high", *MEDIANS]
    table = table.merge(pd.DataFrame(details, columns=columns), on=UNIT, how="left")
    thin = table["finished"] * 2 < table["planned"]
    order = table.assign(thin=thin).sort_values(["thin", "nll"], kind="stable").groupby("family").cumcount() + 1
    table = table.assign(few_seeds=thin, rank=order.where(table["nll"].notna()).astype("Int64"))
    places = {family: i for i, family in enumerate(judged["family"].unique())}
    by_place = table.assign(place=table["family"].map(places)).sort_values(["place", "rank"], kind="stable")
    return by_place.drop(columns="place").reset_index(drop=True)


def _details(group: pd.DataFrame, level: float, seed: int) -> dict[str, Any]:
    ended = group[(group["state"] == "finished") & group["nll"].notna()]
    row: dict[str, Any] = {name: _median_of(ended[name]) for name in MEDIANS}
    row |= {"settings": settings(group.iloc[0].to_dict(), knobs(group)), "finished": len(ended), "nll_estimator": ""}
    if len(ended):
        low, high = bootstrap_median(ended["nll"], level, seed)
        row |= {"nll": _median_of(ended["nll"]), "nll_low": float(low), "nll_high": float(high)}
        row["nll_estimator"] = str(ended["nll_estimator"].iloc[0])
    return row


def _median_of(values: pd.Series) -> float:
    known = values.dropna()
    return float(known.median()) if len(known) else np.nan


def best(table: pd.DataFrame) -> pd.DataFrame:
    """Each family's configuration of rank 1 (lowest median nll); families without a figure are left out."""
    return table[table["rank"] == 1].reset_index(drop=True)


def promises(judged: pd.DataFrame, study: Mapping[str, Any], level: float = LEVEL, seed: int = 0) -> pd.DataFrame:
    """Each family's search winner: its figure on the tuning seed beside its median on confirmation seeds.

    Both are the searched metric on the same subset with the same sample count, so that they may be compared. The winner
    is the lowest among search trials that ran to the end; a winner is chosen for being low, so expect it to fall back.
    """
    select = str(study.get("select") or SELECT)
    rows = [
        {"family": family, **_promise(group, select, level, seed)}
        for family, group in judged.groupby("family", sort=False)
    ]
    return pd.DataFrame(rows, columns=_PROMISE)


def _promise(group: pd.DataFrame, select: str, level: float, seed: int) -> dict[str, Any]:
    search = group[(group["stage"] == "search") & (group["state"] == "finished")]
    measure = _shared_measure(search, select)
    figures = numbers(search, measure).dropna()
    if figures.empty:
        return {"measure": measure, "note": "no search trial ran to the end with a figure"}
    winner = search.loc[figures.idxmin()]
    row = {"configuration": winner["configuration"], "measure": measure, "tuning_seed": winner["seed"]}
    kept = group[(group["stage"] == "replicate") & (group["configuration"] == winner["configuration"])]
    values = numbers(kept[kept["state"] == "finished"], measure).dropna()
    row |= {"search": float(figures.min()), "seeds": len(values)}
    if values.empty:
        return row | {"note": "the winner has not been replicated"}
    low, high = bootstrap_median(values, level, seed)
    note = "one seed: no interval" if len(values) == 1 else ""
    return row | {"replicate": float(values.median()), "low": float(low), "high": float(high), "note": note}


def _shared_measure(search: pd.DataFrame, select: str) -> str:
    """The searched metric on the subset, which both stages record, or what stands for it in this family."""
    name = select.split("/")[-1]
    names = (name, f"{name}_given_bag", *STAND_INS)
    return next((f"subset/{one}" for one in names if numbers(search, f"subset/{one}").notna().any()), f"subset/{name}")
