"""Pictures of sparsity: Average Hoyer over training with bands over seeds."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from uncollapse.analysis.counted import counted
from uncollapse.analysis.report.figures.style import Look, Panel, Picture, Tab, axis, band, figure
from uncollapse.analysis.sparsity.stability import by_epoch
from uncollapse.analysis.sparsity.targets import labels

LABELS = {
    "hoyer_mean": "means",
    "hoyer_sample": "samples",
    "hoyer_mean_centred": "means, centred",
    "hoyer_sample_centred": "samples, centred",
}
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
MOST_LINES = 6  # of a family
STROKES = {"solid": "━", "dash": "╍", "dot": "┈", "dashdot": "╍┈", "longdash": "╍╍"}


def hoyer_by_epoch(
    judged: pd.DataFrame,
    curves: pd.DataFrame,
    table: pd.DataFrame,
    looks: Mapping[str, Look],
    study: Mapping[str, Any] | None = None,
) -> Picture:
    """Average Hoyer at every epoch: a panel per family, a line per configuration, a band over its seeds.

    With `study`, families whose pages differ in one sparsity hyperparameter alone share a panel, and lines are named
    by that hyperparameter, in the manner of Figure 3 of Prokhorov et al. (2021).
    """
    title = "Is the sparsity the same from seed to seed?"
    names = labels(judged[judged["stage"] == "replicate"], study or {})
    ranks = {(r["family"], r["configuration"]): r["rank"] for r in table.to_dict("records")}
    tabs = []
    for measure, label in LABELS.items():
        points = by_epoch(judged, curves, measure)
        if len(points):
            tabs.append(Tab(label, _panels(points, ranks, names, looks)))
    if not tabs:
        return Picture(title, "No confirmation seed has recorded an Average Hoyer yet.")
    caption = (
        "Average Hoyer on the fixed validation subset, 0 dense to 1 sparse; one line per configuration (best first: "
        "solid, dashed, dotted; six of a family at most), the mean over its confirmation seeds. The darker band is "
        "Student's 95 % interval of that mean, for two seeds or more and cut at the panel's edge; the lighter one runs "
        "from the lowest to the highest seed. A narrow lighter band means that the sparsity belongs to the "
        "configuration; "
        "lighter bands that overlap mean that the seed matters as much. Uncentred figures read near-constant "
        "dimensions as sparse: compare them with the centred ones. All panels share one scale."
    )
    return Picture(title, caption, tabs)


def _panels(points: pd.DataFrame, ranks: Mapping[Any, Any], names: Mapping[Any, Any], looks: Any) -> list[Panel]:
    low, high = float(points["low"].min()), float(points["high"].max())
    pad = 0.15 * (high - low) or 0.05
    y = axis("Average Hoyer", range=[low - pad, high + pad])
    found = [tuple(unit) for unit in points[["family", "configuration"]].drop_duplicates().to_numpy()]
    units = [unit for unit in found if _rank(ranks.get(unit)) <= MOST_LINES or len(found) <= MOST_LINES]
    units.sort(key=lambda unit: (list(looks).index(unit[0]), _rank(ranks.get(unit))))
    groups: dict[str, list[Any]] = {}
    for unit in units:
        groups.setdefault(names.get(unit, (unit[0], ""))[0], []).append(unit)
    own = dict(list(points.groupby(["family", "configuration"], sort=False)))
    return [
        Panel(figure(*_lines(members, own, names, looks), xaxis=axis("epoch", tickformat="d"), yaxis=y), group, note)
        for group, members in groups.items()
        for note in [_note(members, own, names, looks)]
    ]


def _rank(rank: Any) -> float:
    return float(rank) if pd.notna(rank) else np.inf


def _dash(members: Sequence[Any], unit: Any) -> str:
    place = [other for other in members if other[0] == unit[0]].index(unit)
    return DASHES[place % len(DASHES)]


def _lines(members: Sequence[Any], own: Any, names: Any, looks: Mapping[str, Look]) -> tuple[list[dict[str, Any]], int]:
    several = len({family for family, _ in members}) > 1
    traces = [
        trace
        for unit in members
        for trace in _band(own[unit], _name(unit, names), _dash(members, unit), looks[unit[0]], several)
    ]
    return traces, 230


def _name(unit: Any, names: Mapping[Any, Any]) -> str:
    words = names.get(unit, ("", ""))[1]
    return f"{unit[0]} {unit[1]}" + (f"<br>{words}" if words else "")


def _note(members: Sequence[Any], own: Any, names: Any, looks: Mapping[str, Look]) -> str:
    """What each line is, and how many of its planned seeds reached the last epoch."""
    several = len({family for family, _ in members}) > 1
    parts = []
    for unit in members:
        last = own[unit].iloc[own[unit]["epoch"].to_numpy().argmax()]
        sign = looks[unit[0]].glyph if several else STROKES[_dash(members, unit)]
        words = names.get(unit, ("", ""))[1] or unit[1]
        parts.append(f"{sign} {words}: {last['seeds']}/{counted(last['planned'], 'seed')}")
    return "; ".join(parts)


def _band(points: pd.DataFrame, name: str, dash: str, look: Look, marked: bool) -> list[dict[str, Any]]:
    known = points[points["mean_low"].notna()]
    line = {
        "type": "scatter",
        "mode": "lines+markers" if marked or len(points) < 3 else "lines",
        "name": name,
        "x": points["epoch"].to_numpy(dtype=float),
        "y": points["mean"].to_numpy(dtype=float),
        "line": {"color": look.light, "width": 2, "dash": dash},
        "marker": {"symbol": look.symbol, "size": 7, "maxdisplayed": 6},
        "customdata": points[["mean_low", "mean_high", "median", "low", "high", "seeds", "planned"]].to_numpy(),
        "hovertemplate": (
            f"<b>{name}</b><br>epoch %{{x}}: mean %{{y:.3f}} (%{{customdata[0]:.3f}}–%{{customdata[1]:.3f}})"
            "<br>median %{customdata[2]:.3f}, range %{customdata[3]:.3f}–%{customdata[4]:.3f}"
            "<br>%{customdata[5]} of %{customdata[6]} seeds<extra></extra>"
        ),
    }
    return [_shade(points, "low", "high", look, 0.1), _shade(known, "mean_low", "mean_high", look, 0.18), line]


def _shade(points: pd.DataFrame, low: str, high: str, look: Look, opacity: float) -> dict[str, Any]:
    epochs, bottom, top = (points[column].to_numpy(dtype=float) for column in ("epoch", low, high))
    return band(epochs, bottom, top, look, opacity)
