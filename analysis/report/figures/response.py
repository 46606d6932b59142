"""Pictures of response: nll, mi and the collapsed share along every searched hyperparameter, small multiples per
family.

Search trials are dots; replicated configurations stand among them with a band over their seeds.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from uncollapse.analysis.collapse.rates import by_level
from uncollapse.analysis.comparison.configurations import estimator
from uncollapse.analysis.hyperparameters.response import bins
from uncollapse.analysis.report.figures.response_traces import bands_of, marks, shares_of
from uncollapse.analysis.report.figures.style import MUTED, Look, Panel, Picture, Tab, axis, figure
from uncollapse.analysis.report.wording import minus
from uncollapse.analysis.schema import LIKELIHOODS
from uncollapse.analysis.verdict_rule import Thresholds

MOST_POINTS = 400
TITLE = "How the searched hyperparameters change the outcome"


def responses(
    table: pd.DataFrame,
    correlations: pd.DataFrame,
    medians: pd.DataFrame,
    study: Mapping[str, Any],
    thresholds: Thresholds,
    looks: Mapping[str, Look],
    slices: pd.DataFrame | None = None,
) -> Picture:
    """A tab per family, a panel per hyperparameter: nll, mi and the share of collapsed search trials, one above the
    other.

    With `slices` (of `analysis.hyperparameters.slices`) replicated configurations stand among the trials: median and
    range of seeds.
    """
    bands = _replicated(slices)
    tabs = []
    for family in _order(table, looks):
        own = table[(table["family"] == family) & (table["nll"].notna() | table["mi"].notna())]
        figures = correlations[correlations["family"] == family]
        levels = medians[medians["family"] == family]
        panels = [
            Panel(
                _stack(group, bands.get((family, str(hyperparameter))), study, thresholds, looks[family]),
                str(hyperparameter),
                _note(group, figures, levels, str(hyperparameter)),
            )
            for hyperparameter, group in own.groupby("hyperparameter", sort=False)
        ]
        if panels:
            tabs.append(Tab(family, panels))
    if not tabs:
        return Picture(TITLE, "No search trial has recorded a figure for a hyperparameter that varies.")
    return Picture(TITLE, _caption(table, bool(bands)), tabs)


def _caption(table: pd.DataFrame, banded: bool) -> str:
    parts = [
        "Search trials on their tuning seed; hollow marks were stopped early and show their last figures, after fewer "
        "epochs: compare them with each other only.",
        "A dark bar is a replicated configuration: the line runs from its smallest to its largest confirmation seed, "
        "the dash is their median, all on the search's subset. Long bars over close dots mean that the seed "
        "matters more than the hyperparameter."
        if banded
        else "",
        "The lowest strip is the share of collapsed search trials in bins of the hyperparameter, with 95 % Wilson "
        "intervals. A "
        "search crowds where it hopes to win, so an empty stretch is unexplored, not bad; only the confirmation seeds "
        "answer how often. ρ is Spearman's rank correlation over all trials with a figure, its bootstrap interval in "
        "brackets.",
        f"A panel shows at most {MOST_POINTS} of a family's trials, drawn at random; the figures use all."
        if (table.groupby(["family", "hyperparameter"]).size() > MOST_POINTS).any()
        else "",
    ]
    return " ".join(part for part in parts if part)


def _replicated(slices: pd.DataFrame | None) -> dict[tuple[str, str], pd.DataFrame]:
    if slices is None:
        return {}
    replicates = slices[(slices["stage"] == "replicate") & (slices["seeds"] > 0)]
    return {(str(f), str(k)): group for (f, k), group in replicates.groupby(["family", "hyperparameter"], sort=False)}


def _order(table: pd.DataFrame, looks: Mapping[str, Look]) -> list[str]:
    """Families with a code first: they have more to show than a language model."""
    with_code = set(table.loc[table["mi"].notna(), "family"])
    present = [name for name in looks if (table["family"] == name).any()]
    return sorted(present, key=lambda name: name not in with_code)


def _note(group: pd.DataFrame, figures: pd.DataFrame, levels: pd.DataFrame, hyperparameter: str) -> str:
    if group["kind"].iloc[0] == "categorical":
        own = levels[(levels["hyperparameter"] == hyperparameter) & (levels["measure"] == "nll")].dropna(
            subset=["median"]
        )
        parts = [f"{row['level']} {row['median']:.2f} (n = {row['trials']})" for row in own.to_dict("records")]
        return "median NLL: " + ", ".join(parts) if parts else ""
    rows = figures[figures["hyperparameter"] == hyperparameter].set_index("measure")
    return "; ".join(text for name in ("nll", "mi") if (text := _correlation_text(name, rows.loc[name])))


def _correlation_text(name: str, row: pd.Series) -> str:
    if pd.isna(row["spearman"]):
        return "" if row["trials"] == 0 else f"{name}: {row['note']}"
    note = f", {row['note']}" if row["note"] else ""
    return minus(f"ρ({name}) {row['spearman']:+.2f} ({row['low']:+.2f} to {row['high']:+.2f}{note})")


def _stack(
    group: pd.DataFrame, bands: pd.DataFrame | None, study: Mapping[str, Any], thresholds: Thresholds, look: Look
) -> Any:
    drawn = group.sample(MOST_POINTS, random_state=0) if len(group) > MOST_POINTS else group
    latent = bool(group["mi"].notna().any())
    domains = [(0.62, 1.0), (0.26, 0.56), (0.0, 0.2)] if latent else [(0.0, 1.0)]
    titles = [_nll_name(group, study), "mi, nats", "collapsed"]
    traces = [marks(drawn, "nll", "y", look), *bands_of(bands, "nll", "y")]
    layout: dict[str, Any] = {"xaxis": _hyperparameter_axis(group, "y3" if latent else "y")}
    for i, domain in enumerate(domains):
        layout[f"yaxis{i + 1 if i else ''}"] = axis(titles[i], domain=domain, nticks=4)
    if latent:
        shares = by_level(group, bins(group["value"], str(group["kind"].iloc[0])))
        traces += [marks(drawn, "mi", "y2", look), *bands_of(bands, "mi", "y2"), shares_of(shares, look)]
        layout["yaxis3"] |= {"range": [-0.08, 1.08], "tickformat": ".0%", "tickvals": [0, 0.5, 1]}
        rule = {
            "type": "line",
            "xref": "paper",
            "yref": "y2",
            "x0": 0,
            "x1": 1,
            "y0": thresholds.mi,
            "y1": thresholds.mi,
        }
        layout["shapes"] = [rule | {"line": {"color": MUTED, "dash": "dot", "width": 1}}]
    return figure(traces, 380 if latent else 200, **layout)


def _nll_name(group: pd.DataFrame, study: Mapping[str, Any]) -> str:
    names = [name for name in LIKELIHOODS if (group["nll_estimator"] == name).any()]
    return estimator(study, names[0] if names else "nll_iw", "subset")


def _hyperparameter_axis(group: pd.DataFrame, anchor: str) -> dict[str, Any]:
    if group["kind"].iloc[0] == "categorical":
        order = sorted(group["value"].map(str).unique())
        return axis(anchor=anchor, type="category", categoryorder="array", categoryarray=order)
    log = bool(group["log"].iloc[0])
    if not log:
        return axis(anchor=anchor, nticks=5)
    decades = np.log10(float(group["value"].max()) / float(group["value"].min()))
    return axis("log scale", anchor=anchor, type="log", dtick=1 if decades > 1.5 else "D2", tickformat="~g")
