"""Which family's best configuration has the best likelihood, as surely as its confirmation seeds say."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from uncollapse.analysis.comparison.configurations import estimator
from uncollapse.analysis.counted import counted
from uncollapse.analysis.findings import Findings
from uncollapse.analysis.report.wording import listed, number, percent
from uncollapse.analysis.statistics.intervals import LEVEL
from uncollapse.analysis.statistics.medians import median_interval
from uncollapse.analysis.tables import UNIT

HOW = f"{percent(LEVEL)} confidence set of the best, by exact sign tests over shared seeds"


def likelihood(found: Findings) -> str:
    """A sentence for every likelihood that families have; those by different estimators are not compared."""
    sets = found.rivals.best_sets
    groups = [group for _, group in sets[sets["scope"] == "families"].groupby("contest", sort=False)]
    with_code = [group for group in groups if not group["family"].isin(found.baselines).all()]
    without = [group for group in groups if group["family"].isin(found.baselines).all()]
    return " ".join(_contest(_with_figures(group, found), found) for group in (*with_code, *without))


def _with_figures(group: pd.DataFrame, found: Findings) -> list[Mapping[str, Any]]:
    """The rows of a contest with their figures, the lowest median first."""
    figures = found.configurations[[*UNIT, "nll_estimator", "collapsed", "judged"]]
    return [dict(row) for row in group.merge(figures, on=UNIT).sort_values("nll").to_dict("records")]


def _contest(rows: list[Mapping[str, Any]], found: Findings) -> str:
    baseline = all(row["family"] in found.baselines for row in rows)
    if len(rows) == 1:
        (row,) = rows
        if baseline:
            return f"The language model {row['family']} has {_nll(row, found)}."
        return f"{row['family']} alone has {_nll(row, found)}: there is nothing to compare it with."
    label = "Best language model" if baseline else "Best likelihood"
    return f"{label}: {_standing(rows)}; {_lowest(rows[0], found)}."


def _standing(rows: list[Mapping[str, Any]]) -> str:
    """What the seeds can tell of a contest."""
    able, beaten = ([row["family"] for row in rows if bool(row["may_be_best"]) is kept] for kept in (True, False))
    seeds, needed = min(int(row["seeds"]) for row in rows), int(rows[0]["needed"])
    if seeds < needed and not beaten:
        return f"{counted(seeds, 'seed')} cannot tell {listed(able)} apart, {needed} would be needed"
    if not able:
        return f"each of {listed(beaten)} is beaten by another ({HOW})"
    if len(able) == 1:
        return f"{able[0]}, better than {listed(beaten)} ({HOW})"
    worse = f", and {listed(beaten)} {'is' if len(beaten) == 1 else 'are'} worse" if beaten else ""
    return f"{listed(able)} cannot be told apart{worse} ({HOW})"


def _lowest(row: Mapping[str, Any], found: Findings) -> str:
    text = f"the lowest median is {row['family']} {row['configuration']}'s {_nll(row, found)}"
    if row["collapsed"]:
        return f"{text}, collapsed on {row['collapsed']} of {counted(row['judged'], 'seed')}"
    return text


def _nll(row: Mapping[str, Any], found: Findings) -> str:
    """The median over seeds with its interval, and the level that so many seeds reach."""
    text = f"{estimator(found.study, row['nll_estimator'])} {number(row['nll'], 2)} nats per sentence"
    judged = found.judged[(found.judged["stage"] == "replicate") & (found.judged["state"] == "finished")]
    own = judged[(judged["family"] == row["family"]) & (judged["configuration"] == row["configuration"])]["nll"]
    low, high, level = (float(end[0]) for end in median_interval(own.dropna()))
    seeds = counted(int(row["seeds"]), "seed")
    if pd.isna(low):
        return f"{text} ({seeds}, so no interval)"
    return f"{text} ({seeds}, {percent(level)} {number(low, 2)}–{number(high, 2)})"
