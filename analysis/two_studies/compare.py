"""Two studies side by side: what they share, what differs in their facts, and whether their results differ.

Every difference is A - B. Only replicate trials are compared; the thresholds of A judge both.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from uncollapse.analysis.comparison.configurations import Unit, best, by_seed, configurations, estimator
from uncollapse.analysis.comparison.export_rule import ExportRule
from uncollapse.analysis.comparison.paired import MEASURES
from uncollapse.analysis.report.text_table import aligned, markdown_table
from uncollapse.analysis.schema import Records
from uncollapse.analysis.statistics.differences import difference_of_medians, mcnemar, paired_shares, unpaired_shares
from uncollapse.analysis.statistics.intervals import LEVEL
from uncollapse.analysis.statistics.medians import FEWEST, median_interval
from uncollapse.analysis.tables import UNIT
from uncollapse.analysis.two_studies.facts import obstacles_to_pairing, shared_trials, side_by_side
from uncollapse.analysis.two_studies.text import PAIRED, UNPAIRED, rows, sentences
from uncollapse.analysis.verdict_rule import Thresholds
from uncollapse.analysis.verdicts import judge

_MATCH = ["scope", "family", "configuration_a", "configuration_b", "method"]
_MEDIANS = [
    *_MATCH,
    "measure",
    "estimator",
    "seeds_a",
    "seeds_b",
    "a",
    "b",
    "difference",
    "low",
    "high",
    "level",
    "note",
]
_COLLAPSES = [*_MATCH, "collapsed_a", "judged_a", "collapsed_b", "judged_b", "difference", "low", "high", "p", "note"]


class Side(NamedTuple):
    """One study, judged."""

    study: Mapping[str, Any]
    judged: pd.DataFrame
    table: pd.DataFrame
    values: Mapping[str, pd.DataFrame]
    estimators: Mapping[Unit, str]


@dataclass(frozen=True)
class Comparison:
    """Two studies compared.

    facts: fact, a, b, same; those of `facts.FACTS`, then every package and key of the study page that differs.
    shared: per family the configurations and confirmation seeds of A, of B and of both, and the trials with the same
        key, which are the same training.
    medians: per match and measure the medians, their difference and its interval; `method`: by paired seeds or not.
    collapses: per match the collapses of both, the difference of shares, its interval, and an exact p.
    sentences: the answer in words.
    """

    facts: pd.DataFrame
    shared: pd.DataFrame
    medians: pd.DataFrame
    collapses: pd.DataFrame
    sentences: list[str]


def compare(a: Records, b: Records, level: float = LEVEL) -> Comparison:
    """Compare two studies: every configuration in both (scope "shared") and every shared family's best (scope "best").

    Seeds are paired where both studies ran the same configuration on the same corpus with the same evaluation; then
    `difference` is the median of the paired differences with the interval of `medians.median_interval`, over shared
    seeds alone. Elsewhere it is the difference of the medians with the interval of `difference_of_medians`. Collapse
    shares are compared by `contrasts.paired_shares` and McNemar's test, or by `contrasts.unpaired_shares` and Fisher's
    exact test; the p are not adjusted for their number. A family's best is chosen on the seeds that judge it.
    """
    thresholds = Thresholds.of(a.study)
    sides = [_side(records, thresholds) for records in (a, b)]
    matches, obstacles = _matches(*sides), obstacles_to_pairing(a.study, b.study)
    medians = [_medians(match, sides[0], sides[1], obstacles, level) for match in matches]
    collapses = [_collapses(match, sides[0], sides[1], obstacles, level) for match in matches]
    tables = {
        "facts": side_by_side(a.study, b.study),
        "shared": shared_trials(*(side.judged for side in sides)),
        "medians": pd.DataFrame([row for found in medians for row in found], columns=_MEDIANS),
        "collapses": pd.DataFrame(collapses, columns=_COLLAPSES),
    }
    told = sentences(**tables, obstacles=obstacles)
    if Thresholds.of(b.study) != thresholds:
        told.append(f"B was judged by the thresholds of A ({thresholds.sentence()}).")
    return Comparison(**tables, sentences=told)


def text(found: Comparison) -> str:
    """The sentences, and a table in fixed width, for a terminal."""
    table, rest = rows(found.medians, found.collapses)
    return "\n".join([*found.sentences, "", *([aligned(table)] if len(table) > 1 else []), rest]).rstrip()


def markdown(found: Comparison) -> str:
    """The sentences, and a table in Markdown, for a pull request."""
    table, rest = rows(found.medians, found.collapses)
    listed = [f"- {sentence}" for sentence in found.sentences]
    shown = [markdown_table(table), ""] if len(table) > 1 else [""]
    return "\n".join([*listed, "", *shown, rest]).rstrip()


def _side(records: Records, thresholds: Thresholds) -> Side:
    judged = judge(records.trials, thresholds)
    values = {measure: by_seed(judged, measure) for measure in (*MEASURES, "collapsed")}
    table = configurations(judged, rule=ExportRule.of(records.study))
    names = zip(table["family"], table["configuration"], table["nll_estimator"], strict=True)
    return Side(records.study, judged, table, values, {(f, c): estimator(records.study, name) for f, c, name in names})


def _matches(a: Side, b: Side) -> list[dict[str, str]]:
    first = best(a.table)[UNIT].merge(best(b.table)[UNIT], on="family", suffixes=("_a", "_b")).assign(scope="best")
    both = a.table[UNIT].merge(b.table[UNIT], on=UNIT).rename(columns={"configuration": "configuration_a"})
    both = both.assign(configuration_b=both["configuration_a"], scope="shared")
    return [{str(k): str(v) for k, v in row.items()} for t in (first, both) for row in t.to_dict("records")]


def _values(side: Side, match: Mapping[str, str], which: str, measure: str) -> pd.Series:
    return side.values[measure].loc[(match["family"], match[f"configuration_{which}"])].dropna()


def _medians(match: Mapping[str, str], a: Side, b: Side, obstacles: list[str], level: float) -> list[dict[str, Any]]:
    return [_median_row(match, a, b, obstacles, measure, level) for measure in MEASURES]


def _median_row(
    match: Mapping[str, str], a: Side, b: Side, obstacles: list[str], measure: str, level: float
) -> dict[str, Any]:
    x, y = (_values(side, match, which, measure) for side, which in ((a, "a"), (b, "b")))
    names = [_estimator(side, match, which) if measure == "nll" else "" for side, which in ((a, "a"), (b, "b"))]
    row: dict[str, Any] = {**match, "method": UNPAIRED, "measure": measure, "note": "; ".join(obstacles)}
    row |= {"estimator": names[0], "seeds_a": len(x), "seeds_b": len(y)}
    if names[0].split()[:1] != names[1].split()[:1]:
        note = " and ".join(name or "nothing" for name in names) + " are not the same figure"
        return row | {"estimator": "", "note": note}
    common = x.index.intersection(y.index)
    if _pairable(match, obstacles) and len(common):
        return row | _paired(x[common].to_numpy(), y[common].to_numpy(), level)
    return row | _unpaired(x.to_numpy(), y.to_numpy(), level, row["note"])


def _estimator(side: Side, match: Mapping[str, str], which: str) -> str:
    return side.estimators[match["family"], match[f"configuration_{which}"]]


def _pairable(match: Mapping[str, str], obstacles: list[str]) -> bool:
    return not obstacles and match["configuration_a"] == match["configuration_b"]


def _paired(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], level: float) -> dict[str, Any]:
    low, high, reached = (float(v[0]) for v in median_interval(x - y, level))
    ends = {"a": np.median(x), "b": np.median(y), "difference": np.median(x - y), "low": low, "high": high}
    note = "too few shared seeds for an interval of a median" if np.isnan(low) else ""
    return {**ends, "method": PAIRED, "level": reached, "seeds_a": len(x), "seeds_b": len(y), "note": note}


def _unpaired(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], level: float, note: str) -> dict[str, Any]:
    if not len(x) or not len(y):
        return {"note": "; ".join(part for part in (note, "one of the two has no figure") if part)}
    low, high = difference_of_medians(x, y, level)
    few = "" if np.isfinite(low) else f"fewer than {FEWEST} seeds on a side: no interval"
    row = {"a": np.median(x), "b": np.median(y), "difference": np.median(x) - np.median(y), "low": low, "high": high}
    return row | {"level": level if not few else np.nan, "note": "; ".join(part for part in (note, few) if part)}


def _collapses(match: Mapping[str, str], a: Side, b: Side, obstacles: list[str], level: float) -> dict[str, Any]:
    x, y = (_values(side, match, which, "collapsed") for side, which in ((a, "a"), (b, "b")))
    common = x.index.intersection(y.index)
    paired = _pairable(match, obstacles) and len(common) > 0
    if paired:
        x, y = x[common], y[common]
    ks, ns = (int(x.sum()), int(y.sum())), (len(x), len(y))
    row: dict[str, Any] = {**match, "method": PAIRED if paired else UNPAIRED, "note": "; ".join(obstacles)}
    row |= {"collapsed_a": ks[0], "judged_a": ns[0], "collapsed_b": ks[1], "judged_b": ns[1]}
    if not all(ns):
        return row | {"note": "one of the two has no verdict"}
    return row | {"difference": ks[0] / ns[0] - ks[1] / ns[1]} | _collapse_test(x, y, paired, level)


def _collapse_test(x: pd.Series, y: pd.Series, paired: bool, level: float) -> dict[str, float]:
    k, m = int(x.sum()), int(y.sum())
    if paired:
        both = int((x * y).sum())
        low, high = paired_shares(both, k - both, m - both, len(x) - k - m + both, level)
        return {"low": float(low), "high": float(high), "p": float(mcnemar(k - both, m - both))}
    low, high = unpaired_shares(k, len(x), m, len(y), level)
    p = stats.fisher_exact([[k, len(x) - k], [m, len(y) - m]]).pvalue
    return {"low": float(low), "high": float(high), "p": float(p)}
