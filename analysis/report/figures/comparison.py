"""Pictures of comparison: paired differences, and the probability of being best."""

from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from uncollapse.analysis.counted import counted
from uncollapse.analysis.report.figures.style import INK, MUTED, Look, Panel, Picture, Tab, axis, figure
from uncollapse.analysis.report.wording import percent

ROW = 24
MOST_PAIRS = 45
LABELS = {
    "nll": "NLL, nats per sentence",
    "mi": "mi, nats",
    "hoyer_mean": "Average Hoyer of means",
    "latent_gain": "latent gain, nats",
    "class_accuracy": "class accuracy",
}
SHORT = {"nll": "NLL", "mi": "mi", "hoyer_mean": "Hoyer", "latent_gain": "latent gain"}


def paired(differences: pd.DataFrame, looks: Mapping[str, Look]) -> Picture:
    """A forest of `pairs.differences` between the families' best configurations, a tab per measure."""
    title = "Family against family, seed by seed"
    own = differences[(differences["scope"] == "families") & differences["median"].notna()]
    tabs = [Tab(SHORT[str(name)], [_forest(group, looks)]) for name, group in own.groupby("measure", sort=False)]
    if not tabs:
        return Picture(title, "No two families have a figure on the same confirmation seed yet.")
    caption = (
        "Each mark is the median over shared confirmation seeds of the difference between two families' best "
        "configurations, the first named minus the second; the lower one is named first. The thick line is "
        "its 95 % order-statistic interval, the thin one reaches from the lowest to the highest seed; below five "
        "shared seeds there is no interval. A filled mark's interval leaves out 0. With this many pairs about one in "
        "twenty would do so by chance, and a family's best was chosen on these same seeds, which flatters it a little."
    )
    return Picture(title, caption, tabs)


def _forest(group: pd.DataFrame, looks: Mapping[str, Look]) -> Panel:
    rows = [_turned(row) for row in group.to_dict("records")]
    rows = sorted(rows, key=lambda row: abs(row["median"]), reverse=True)
    shown = rows[:MOST_PAIRS]
    places = -np.arange(len(shown), dtype=float)
    traces = [t for row, y in zip(shown, places, strict=True) for t in _pair(row, float(y), looks[row["family_a"]])]
    zero = {"type": "line", "x0": 0, "x1": 0, "y0": 0, "y1": 1, "yref": "paper", "line": {"color": MUTED, "width": 1}}
    ticks = [f"{escape(row['family_a'])} − {escape(row['family_b'])}" for row in shown]
    layout = {
        "xaxis": axis(f"difference in {LABELS[str(group['measure'].iloc[0])]}", side="top", nticks=5),
        "yaxis": axis(tickvals=places, ticktext=ticks, showgrid=False, range=[places[-1] - 0.7, 0.7]),
        "shapes": [zero],
    }
    note = f"the {MOST_PAIRS} largest of {len(rows)} differences" if len(rows) > MOST_PAIRS else ""
    return Panel(figure(traces, ROW * len(shown) + 80, **layout), "", note)


def _turned(row: dict[Any, Any]) -> dict[Any, Any]:
    """The pair with its lower side first."""
    if row["median"] <= 0:
        return row
    turned = {"family_a": row["family_b"], "family_b": row["family_a"]}
    for one, other in (("median", "median"), ("low", "high"), ("high", "low"), ("least", "most"), ("most", "least")):
        turned[one] = -row[other]
    return row | turned


def _pair(row: Mapping[str, Any], y: float, look: Look) -> list[dict[str, Any]]:
    open_mark = "" if row["high"] < 0 or row["low"] > 0 else "-open"
    known = np.isfinite(row["low"])
    interval = f"{row['level']:.0%} interval {row['low']:.3g} to {row['high']:.3g}" if known else "no interval"
    text = (
        f"<b>{escape(row['family_a'])} − {escape(row['family_b'])}</b>"
        f"<br>{counted(row['seeds'], 'shared seed')}, {interval}"
    )
    mark = {
        "symbol": look.symbol + open_mark,
        "size": 9,
        "color": look.light,
        "line": {"width": 1.5, "color": look.light},
    }
    dot = {"type": "scatter", "mode": "markers", "x": [row["median"]], "y": [y], "marker": mark, "text": [text]}
    dot["hovertemplate"] = "%{text}<br>median %{x:.3g}<extra></extra>"
    return [_line([row["least"], row["most"]], y, 1, look), _line([row["low"], row["high"]], y, 3, look), dot]


def _line(ends: list[float], y: float, width: int, look: Look) -> dict[str, Any]:
    style = {"color": look.light, "width": width}
    return {"type": "scatter", "mode": "lines", "x": ends, "y": [y, y], "line": style, "hoverinfo": "skip"}


def probability(chances: pd.DataFrame, looks: Mapping[str, Look]) -> Picture:
    """Bars of `ranks.probability_of_best`: a tab for the families, one for each family's configurations."""
    title = "How sure is the best?"
    shown = chances[chances["probability"].notna()]
    shown = shown[shown.groupby(["scope", "contest"])["probability"].transform("size") > 1]
    scopes = (("families", "families"), ("configurations", "configurations of a family"))
    tabs = [Tab(label, panels) for scope, label in scopes if (panels := _bars(shown[shown["scope"] == scope], looks))]
    if not tabs:
        return Picture(title, "No two configurations have enough confirmation seeds to be ranked yet.")
    caption = (
        "The probability that a configuration truly has the lowest median NLL of those in its panel: the share of "
        "bootstraps over shared confirmation seeds in which it is lowest, after the medians are shrunk towards their "
        "mean by as much as seeds alone could have driven them apart. The upright tick is the plain share of "
        "bootstraps, which is too sure of itself when configurations differ by less than seeds do. The first bar is "
        "the "
        "lowest median; one far below 100 % means that more seeds could change the choice. Families are compared by "
        "their best configurations, and only by the same estimator."
    )
    return Picture(title, caption, tabs)


def _bars(chances: pd.DataFrame, looks: Mapping[str, Look]) -> list[Panel]:
    panels = []
    for (scope, name), group in chances.groupby(["scope", "contest"], sort=False):
        rows = group.sort_values("nll", kind="stable")
        places = -np.arange(len(rows), dtype=float)
        labels = rows["family"] if scope == "families" else rows["configuration"]
        ticks: dict[str, Any] = {
            "tickvals": places,
            "ticktext": [escape(str(v)) for v in labels],
            "range": [places[-1] - 0.6, 0.6],
        }
        layout = {
            "xaxis": axis(range=[0, 1.02], tickformat=".0%", nticks=5),
            "yaxis": axis(**ticks, showgrid=False),
            "bargap": 0.3,
        }
        panels.append(Panel(figure(_chance(rows, places, looks), ROW * len(rows) + 70, **layout), str(name)))
    return panels


def _chance(rows: pd.DataFrame, places: Any, looks: Mapping[str, Look]) -> list[dict[str, Any]]:
    texts = [
        f"<b>{escape(r['family'])} {r['configuration']}</b><br>median NLL {r['nll']:.2f}, {counted(r['seeds'], 'seed')}"
        f"<br>best with {percent(r['probability'])}, in {percent(r['bootstrap'])} of bootstraps"
        for r in rows.to_dict("records")
    ]
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": rows["probability"].to_numpy(dtype=float),
        "y": places,
        "marker": {"color": [looks[name].light for name in rows["family"]]},
        "text": texts,
        "textposition": "none",
        "hovertemplate": "%{text}<extra></extra>",
    }
    tick = {"symbol": "line-ns", "size": 12, "line": {"width": 2, "color": INK}}
    plain = {"type": "scatter", "mode": "markers", "x": rows["bootstrap"].to_numpy(dtype=float), "y": places}
    return [bars, plain | {"marker": tick, "hoverinfo": "skip"}]
