"""When collapse happens during training, and what stopping trials early hides about it."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from uncollapse.analysis.schema import OUT_OF_TIME
from uncollapse.analysis.statistics.intervals import LEVEL, proportion
from uncollapse.analysis.tables import complete_curves, numbers, stacked
from uncollapse.analysis.verdict_rule import COLLAPSED, DEFAULT, Thresholds, verdicts

Array = npt.NDArray[np.float64]
POPULATIONS = ("replicate runs", "audit (never stopped)", "search trials, some stopped")
FATES = ("collapsed", "censored", "never alive", "not recorded")
GROUP = ["family", "population"]
LIFE_COLUMNS = [*GROUP, "key", "configuration", "fate", "first_alive", "last", "duration"]
_STEP_COLUMNS = ["epoch", "at_risk", "collapsed", "censored", "survival", "low", "high"]
COLUMNS = [*GROUP, *_STEP_COLUMNS]
FATE_COLUMNS = [*GROUP, "trials", *FATES, "median", "note"]
_LOOKED = ["looked_collapsed", "recovered", "recovered_share", "recovered_low", "recovered_high"]
_LATER = ["looked_alive", "collapsed_later", "later_share", "later_low", "later_high"]
HIDDEN_COLUMNS = ["family", "epoch", "stopped", "audit", *_LOOKED, *_LATER, "note"]


class Survival(NamedTuple):
    """A Kaplan-Meier estimate at each time: who was at risk, died or was censored; the share alive with its band."""

    epoch: Array
    at_risk: Array
    collapsed: Array
    censored: Array
    survival: Array
    low: Array
    high: Array


def kaplan_meier(durations: npt.ArrayLike, died: npt.ArrayLike, level: float = LEVEL) -> Survival:
    """The product-limit estimate of survival (Kaplan & Meier 1958) at time 0 and at every time that occurs.

    The band is Greenwood's on the log-log scale, S^exp(+-z se), se = sqrt(sum d / (n (n - d))) / |log S| (Kalbfleisch &
    Prentice 1980). Where nothing has died its low end is Wilson's for n of n at risk; where nothing survives it is 0 to
    the last upper end. Raises ValueError where a duration is negative or NaN.
    """
    times, events = np.asarray(durations, dtype=float), np.asarray(died, dtype=bool)
    if not np.all(times >= 0):
        raise ValueError(f"A duration is a number of at least 0; got {times[~(times >= 0)][0]}.")
    epoch = np.unique(np.append(times, 0.0))
    place = np.searchsorted(epoch, times)
    deaths, lost = (np.bincount(place[kind], minlength=len(epoch)).astype(float) for kind in (events, ~events))
    at_risk = len(times) - np.cumsum(deaths + lost) + deaths + lost
    safe = np.maximum(at_risk, 1)
    survival = np.cumprod(1 - deaths / safe)
    left = np.maximum(at_risk - deaths, 1)
    low, high = _greenwood(survival, np.cumsum(deaths / (safe * left)), at_risk, level)
    return Survival(epoch, at_risk, deaths, lost, survival, low, high)


def _greenwood(survival: Array, variance: Array, at_risk: Array, level: float) -> tuple[Array, Array]:
    z = stats.norm.ppf(0.5 + level / 2)
    inner = (survival > 0) & (survival < 1)
    log = np.log(np.where(inner, survival, 0.5))
    factor = np.exp(z * np.sqrt(variance) / np.abs(log))
    low = np.where(inner, np.exp(log * factor), np.where(survival > 0, proportion(at_risk, at_risk, level).low, 0.0))
    high = np.where(inner, np.exp(log / factor), 1.0)
    return low, np.where(survival > 0, high, _last(high, survival > 0))


def _last(values: Array, known: npt.NDArray[np.bool_]) -> float:
    return float(values[known][-1]) if known.any() else 1.0


def below_by_epoch(judged: pd.DataFrame, curves: pd.DataFrame, thresholds: Thresholds = DEFAULT) -> pd.DataFrame:
    """Every recorded epoch of every trial that has both measures: `below` says that it looked collapsed then.

    Columns: key, epoch, below. The rule is the verdict's: `mi` or `latent_gain` on the subset below its threshold.
    """
    table = complete_curves(curves)
    mi, gain = numbers(table, "subset/mi"), numbers(table, "subset/latent_gain")
    below = verdicts(mi, gain, without_latent=False, thresholds=thresholds) == COLLAPSED
    points = pd.DataFrame({"key": table["key"], "epoch": numbers(table, "epoch"), "below": below})
    known = points[mi.notna() & gain.notna() & points["epoch"].notna() & points["key"].isin(judged["key"])]
    return known.drop_duplicates(["key", "epoch"], keep="last").sort_values(["key", "epoch"]).reset_index(drop=True)


def lives(judged: pd.DataFrame, curves: pd.DataFrame, thresholds: Thresholds = DEFAULT) -> pd.DataFrame:
    """What became of every trial's code during training; a row a trial that ran.

    A trial is alive at an epoch where it does not look collapsed. It `collapsed` at the first epoch of its last stretch
    below the threshold, if it was alive before and stays below to its last record; a dip it comes back from is none.
    `censored`: alive at its last record, whether it was stopped, broke off or ended. `never alive`: it looked collapsed
    at every record, as every VAE does in its first updates, so no time can be given. `not recorded`: no epoch with both
    measures, as in a model without a code; families with no recorded trial are left out.

    `first_alive`, `last`: epochs, the second that of the collapse or the last record. `duration` is their difference:
    time runs from the first epoch at which a trial was alive, since before it a trial was not at risk.
    """
    points = below_by_epoch(judged, curves, thresholds)
    trials = judged[judged["state"] != "missing"].drop_duplicates(["stage", "key"])
    found = trials[["key", "family", "configuration"]].assign(population=_population(trials))
    table = found.merge(_spans(points), on="key", how="left")
    collapsed = table["first_alive"].notna() & table["below_from"].notna()
    rules = [table["final"].isna(), table["first_alive"].isna(), collapsed]
    table["fate"] = np.select(rules, ["not recorded", "never alive", "collapsed"], default="censored")
    table["last"] = table["below_from"].where(collapsed, table["final"])
    table["duration"] = table["last"] - table["first_alive"]
    recorded = table.loc[table["fate"] != "not recorded", "family"].unique()
    return table[table["family"].isin(recorded)][LIFE_COLUMNS].reset_index(drop=True)


def _population(trials: pd.DataFrame) -> npt.NDArray[Any]:
    return np.select([trials["stage"] == "replicate", trials["audit"]], POPULATIONS[:2], default=POPULATIONS[2])


def _spans(points: pd.DataFrame) -> pd.DataFrame:
    """Per key: first epoch alive, last record, and the first epoch of a stretch below that lasts to the last record."""
    alive = points[~points["below"].astype(bool)].groupby("key")["epoch"].agg(["min", "max"])
    table = pd.DataFrame({"final": points.groupby("key")["epoch"].max().astype(float)})
    table["first_alive"], last_alive = alive["min"], points["key"].map(alive["max"]).astype(float)
    table["below_from"] = points[points["epoch"] > last_alive].groupby("key")["epoch"].min()
    return table.astype(float).rename_axis("key").reset_index()


def time_to_collapse(
    judged: pd.DataFrame, curves: pd.DataFrame, thresholds: Thresholds = DEFAULT, level: float = LEVEL
) -> pd.DataFrame:
    """Share of trials whose code is still alive, by epochs since it first was, per family and population.

    `kaplan_meier` over the trials of `lives` that were ever alive; those never alive are in `fates`. Populations are
    `POPULATIONS`; only replicate runs answer "how often". Stopped and broken-off trials that were alive are censored:
    right only if they would have fared as the others, and stopping looks at the likelihood. A trial below the threshold
    at its last record counts as collapsed, though it might have recovered (`hidden_by_stopping`). The band takes trials
    as independent: runs of one configuration are not, so that for replicate runs it is too narrow.

    Columns: `COLUMNS`, a row a time, with the numbers at risk, collapsed and censored at that time.
    """
    found = lives(judged, curves, thresholds)
    tables = []
    for (family, population), group in found[found["duration"].notna()].groupby(GROUP, sort=False):
        steps = kaplan_meier(group["duration"], group["fate"] == "collapsed", level)
        tables.append(pd.DataFrame(steps._asdict()).assign(family=family, population=population)[COLUMNS])
    return stacked(tables, COLUMNS)


def fates(found: pd.DataFrame, steps: pd.DataFrame) -> pd.DataFrame:
    """Trials by fate (`lives`), and the median time to collapse (`time_to_collapse`), per family and population.

    The median is the first time at which at most half are alive; NaN, with a note, where that was not seen.
    """
    rows = []
    for (family, population), group in found.groupby(GROUP, sort=False):
        own = steps[(steps["family"] == family) & (steps["population"] == population)]
        half = own.loc[own["survival"] <= 0.5, "epoch"]
        note = "" if len(half) else "more than half stayed alive as long as seen" if len(own) else "none was ever alive"
        counts = group["fate"].value_counts().reindex(list(FATES), fill_value=0).to_dict()
        row = {"family": family, "population": population, "trials": len(group), **counts}
        rows.append(row | {"median": float(half.min()) if len(half) else np.nan, "note": note})
    return pd.DataFrame(rows, columns=FATE_COLUMNS)


def hidden_by_stopping(
    judged: pd.DataFrame, curves: pd.DataFrame, thresholds: Thresholds = DEFAULT, level: float = LEVEL
) -> pd.DataFrame:
    """Audit trials at every epoch at which others were stopped: how they looked then, and how they ended.

    `stopped` counts the family's judged trials stopped at that epoch; `audit` the never-stopped trials with a record
    there and a final verdict. Of those that looked collapsed, `recovered` had not collapsed by the end; of those that
    looked alive, `collapsed_later` had: what a verdict at that epoch gets wrong either way. Shares with Wilson
    intervals. An audit trial may still be annealing at an epoch at which others, whose annealing had ended, were
    stopped.
    """
    search = judged[judged["stage"] == "search"]
    audit = search[search["audit"] & (search["state"] == "finished") & search["collapsed"].notna()]
    seen = below_by_epoch(audit, curves, thresholds).merge(audit[["key", "family", "collapsed"]], on="key")
    halted = search[(search["state"] == "stopped") & search["collapsed"].notna() & (search["cause"] != OUT_OF_TIME)]
    halted = halted.assign(epoch=numbers(halted, "epochs"))
    rows = []
    for (family, epoch), group in halted.groupby(["family", "epoch"]):
        own = seen[(seen["family"] == family) & (seen["epoch"] == epoch)]
        row = {"family": family, "epoch": epoch, "stopped": len(group), "audit": len(own)}
        note = "" if len(own) else "no audit trial has a record there and a final verdict"
        below, ended = own["below"].astype(bool), own["collapsed"].astype(bool)
        rows.append(row | _fell(below & ~ended, below, _LOOKED, level) | _fell(~below & ended, ~below, _LATER, level))
        rows[-1]["note"] = note
    return pd.DataFrame(rows, columns=HIDDEN_COLUMNS)


def _fell(hits: pd.Series, among: pd.Series, names: list[str], level: float) -> dict[str, float]:
    k, n = int(hits.sum()), int(among.sum())
    low, high = proportion(k, n, level) if n else (np.nan, np.nan)
    return dict(zip(names, (n, k, k / n if n else np.nan, float(low), float(high)), strict=True))
