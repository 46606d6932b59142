"""Pictures of collapse: how often per configuration and family, over the threshold; and what went wrong elsewhere."""

from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from uncollapse.analysis.counted import counted
from uncollapse.analysis.report.figures.style import (
    GRID,
    MUTED,
    TOP,
    Look,
    Panel,
    Picture,
    Tab,
    axis,
    figure,
    vertical,
)
from uncollapse.analysis.report.wording import percent, percent_range
from uncollapse.analysis.verdict_rule import Thresholds

ROW = 25
NO_REPLICATES = (
    "No confirmation seed has been judged yet, so nothing can be said here about how often training collapses."
)


def frequency(configurations: pd.DataFrame, families: pd.DataFrame, looks: Mapping[str, Look]) -> Picture:
    """Collapse share per family (large) and per configuration (small) as dots with 95 % intervals."""
    title = "How often training collapses"
    shown = families[families["judged"] > 0]
    if shown.empty:
        return Picture(title, NO_REPLICATES)
    traces, ticks, y = [], [], 0.0
    for row in shown.to_dict("records"):
        look = looks[row["family"]]
        own = configurations[(configurations["family"] == row["family"]) & (configurations["judged"] > 0)]
        labels = [_family_label(row, look), *(_configuration_label(c) for c in own.to_dict("records"))]
        places = [-(y + i) for i in range(len(labels))]
        ticks += list(zip(places, labels, strict=True))
        traces += [_family_dot(row, look, places[0]), _configuration_dots(own, look, places[1:])]
        y += len(labels) + 0.45
    caption = (
        "Large dots: a family's mean over its replicated configurations; small dots: one configuration each, with k/n "
        "seeds at its name. Bars are 95 % Wilson intervals; a family's bar counts seeds, not runs. Wide bars mean few "
        "seeds, not unstable training. Seeds without a verdict are not in k/n; the tables below count them by state."
    )
    layout = {
        "xaxis": axis("share of seeds that collapsed", range=[-0.02, 1.02], tickformat=".0%", side="top"),
        "yaxis": axis(tickvals=[p for p, _ in ticks], ticktext=[t for _, t in ticks], showgrid=False),
    }
    layout["yaxis"]["range"] = [-y + 0.2, 0.8]
    plot = figure(traces, int(ROW * (y + 1.2)) + 60, **layout)
    return Picture(title, caption, [Tab("", [Panel(plot)])])


def _family_label(row: Mapping[str, Any], look: Look) -> str:
    return f"<b>{escape(row['family'])}</b> {row['collapsed']}/{row['judged']}"


def _configuration_label(row: Mapping[str, Any]) -> str:
    return f"<span style='color:{MUTED}'>{row['configuration']}</span> {row['collapsed']}/{row['judged']}"


def _family_dot(row: Mapping[str, Any], look: Look, place: float) -> dict[str, Any]:
    text = (
        f"<b>{escape(row['family'])}</b><br>mean over {counted(row['configurations'], 'configuration')}: "
        f"{percent(row['share'])}"
        f"<br>95 % interval {percent_range(row['low'], row['high'])} ({counted(row['seeds'], 'seed')})"
        f"<br>configurations {percent_range(row['configuration_low'], row['configuration_high'])}"
    )
    trace = _dots([row["share"]], [row["low"]], [row["high"]], [place], look, [text])
    trace["marker"] |= {"size": 13, "symbol": look.symbol}
    trace["error_x"] |= {"thickness": 3}
    return trace


def _configuration_dots(own: pd.DataFrame, look: Look, places: list[float]) -> dict[str, Any]:
    texts = [
        f"<b>{escape(c['family'])} {c['configuration']}</b><br>{c['collapsed']} of "
        f"{counted(c['judged'], 'judged seed')}"
        f"<br>Wilson 95 % {percent_range(c['wilson_low'], c['wilson_high'])}"
        f"<br>Jeffreys 95 % {percent_range(c['jeffreys_low'], c['jeffreys_high'])}"
        f"<br>{escape(str(c.get('settings', ''))).replace(', ', '<br>')}"
        for c in own.to_dict("records")
    ]
    trace = _dots(own["share"], own["wilson_low"], own["wilson_high"], places, look, texts)
    return trace | {"opacity": 0.75}


def _dots(share: Any, low: Any, high: Any, places: list[float], look: Look, texts: list[str]) -> dict[str, Any]:
    centre, bottom, top = (np.asarray(v, dtype=float) for v in (share, low, high))
    bars = {"type": "data", "symmetric": False, "array": top - centre, "arrayminus": centre - bottom}
    return {
        "type": "scatter",
        "mode": "markers",
        "x": centre,
        "y": places,
        "error_x": bars | {"color": look.light, "thickness": 1.2, "width": 0},
        "marker": {"size": 7, "color": look.light},
        "text": texts,
        "hovertemplate": "%{text}<extra></extra>",
    }


def threshold_curve(curve: pd.DataFrame, thresholds: Thresholds, looks: Mapping[str, Look]) -> Picture:
    """Collapse share per family as both thresholds move together."""
    title = "Does the answer hang on the threshold?"
    if curve.empty:
        return Picture(title, NO_REPLICATES)
    same = thresholds.mi == thresholds.latent_gain
    unit = thresholds.mi if same else 1.0
    name = "threshold on mi and on latent_gain, nats" if same else "thresholds, in multiples of the verdict's"
    traces = [_curve(str(family), group, unit, looks) for family, group in curve.groupby("family", sort=False)]
    line, label = vertical(unit, "verdict")
    label["x"] = float(np.log10(unit))
    caption = (
        "Share of confirmation seeds whose mi or latent_gain lies below the threshold on the axis. Where a line is "
        "flat around the dotted line, the verdict does not hang on where exactly the line is drawn; where it climbs "
        "there, many seeds sit on the fence."
    )
    layout = {
        "xaxis": axis(name, type="log", dtick=1),
        "yaxis": axis("share collapsed", range=[-0.03, 1.06], tickformat=".0%"),
        "margin": TOP,
        "shapes": [line],
        "annotations": [label],
    }
    return Picture(title, caption, [Tab("", [Panel(figure(traces, 400, **layout))])], _named(traces))


def _curve(family: str, group: pd.DataFrame, unit: float, looks: Mapping[str, Look]) -> dict[str, Any]:
    interval = "95 % interval %{customdata[0]:.0%}–%{customdata[1]:.0%}"
    hover = f"<b>%{{fullData.name}}</b><br>threshold %{{x:.3g}}: %{{y:.0%}}<br>{interval}"
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": family,
        "x": group["factor"].to_numpy() * unit,
        "y": group["share"].to_numpy(),
        "customdata": group[["low", "high"]].to_numpy(),
        "line": {"color": looks[family].light, "width": 2, "shape": "hv"},
        "marker": {"symbol": looks[family].symbol, "size": 8, "maxdisplayed": 9},
        "hovertemplate": hover + "<extra></extra>",
    }


def failures(causes: pd.DataFrame, looks: Mapping[str, Look]) -> Picture:
    """Trials that ended without a figure, or never ran, by cause and family."""
    title = "What did not finish, and why"
    if causes.empty:
        return Picture(
            title,
            "Every planned trial finished or was stopped early by the search: nothing failed, diverged or is missing.",
        )
    order = causes.groupby("label")["trials"].sum().sort_values().index
    place = {label: i for i, label in enumerate(order)}
    groups = dict(list(causes.groupby("family")))
    traces = [_bars(family, groups[family], place, looks) for family in looks if family in groups]
    ticks: dict[str, Any] = {"tickvals": list(place.values()), "ticktext": [escape(_short(label)) for label in order]}
    layout = {
        "barmode": "stack",
        "bargap": 0.35,
        "xaxis": axis("trials", rangemode="tozero", tickformat="d"),
        "yaxis": axis(**ticks, showgrid=False),
    }
    caption = (
        "Planned trials without a verdict, by what happened. They are in no share above; the table lists each one."
    )
    panel = Panel(figure(traces, 34 * len(order) + 80, **layout))
    return Picture(title, caption, [Tab("", [panel])], _named(traces))


def _bars(family: str, group: pd.DataFrame, place: Mapping[str, int], looks: Mapping[str, Look]) -> dict[str, Any]:
    return {
        "type": "bar",
        "orientation": "h",
        "name": family,
        "x": group["trials"].to_numpy(),
        "y": [place[label] for label in group["label"]],
        "text": [escape(label) for label in group["label"]],
        "textposition": "none",
        "marker": {"color": looks[family].light, "line": {"color": GRID, "width": 1}},
        "hovertemplate": "<b>%{fullData.name}</b>: %{x}<br>%{text}<extra></extra>",
    }


def _named(traces: list[dict[str, Any]]) -> list[str]:
    return [str(trace["name"]) for trace in traces]


def _short(label: str, most: int = 30) -> str:
    return label if len(label) <= most else label[: most - 1] + "…"
