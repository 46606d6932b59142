"""The picture of Pareto fronts."""

from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from uncollapse.analysis.comparison.configurations import estimator
from uncollapse.analysis.comparison.pareto import asked
from uncollapse.analysis.counted import counted
from uncollapse.analysis.report.figures.comparison import LABELS
from uncollapse.analysis.report.figures.style import MUTED, Look, Panel, Picture, Tab, axis, figure
from uncollapse.analysis.report.wording import NOTHING, percent


def pareto(points: pd.DataFrame, study: Mapping[str, Any], looks: Mapping[str, Look]) -> Picture:
    """Configurations of `pareto.fronts` in two figures at once with their Pareto front, a tab per pair of figures."""
    title = "What is traded for what"
    tabs = []
    for which in asked(study):
        own = points[(points["front"] == which.name) & points["x"].notna() & points["y"].notna()]
        panels = [_plane(group, study, looks) for _, group in own.groupby("estimator", sort=False)]
        if panels:
            tabs.append(Tab(which.name, panels))
    if not tabs:
        return Picture(title, "No confirmed configuration has two of NLL, mi, Average Hoyer and class accuracy.")
    caption = (
        "Each mark is a replicated configuration: medians over confirmation seeds, with 95 % order-statistic intervals "
        "from five seeds on. Right is more information or more sparsity; down is a better NLL, and up a better "
        "accuracy. No mark beyond the step line exists: a filled mark on it is beaten by no other in both figures, a "
        "hollow one is. Point at a mark to see in how many bootstraps over seeds it stays on the Pareto front; marks "
        "whose bars cross the line are on or off it by luck. Sparsity is not a merit in itself."
    )
    named = [name for name in looks if (points["family"] == name).any()]
    return Picture(title, caption, tabs, named)


def _plane(group: pd.DataFrame, study: Mapping[str, Any], looks: Mapping[str, Look]) -> Panel:
    x, y, name = (str(group[column].iloc[0]) for column in ("x_measure", "y_measure", "estimator"))
    up = f"{estimator(study, name)}, nats per sentence" if y == "nll" else LABELS.get(y, y)
    traces = [_stairs(group[group["on_front"].astype(bool)].sort_values("x"))]
    traces += [_dots(str(family), own, looks[str(family)]) for family, own in group.groupby("family", sort=False)]
    return Panel(figure(traces, 420, xaxis=axis(LABELS.get(x, x), nticks=6), yaxis=axis(up, nticks=7)))


def _stairs(front: pd.DataFrame) -> dict[str, Any]:
    """More of x costs the next figure at once: the step is vertical first, on the side of the points it beats."""
    line = {"color": MUTED, "width": 1.5, "shape": "vh"}
    xy = {name: front[name].to_numpy(dtype=float) for name in ("x", "y")}
    return {"type": "scatter", "mode": "lines", "line": line, "hoverinfo": "skip", **xy}


def _dots(family: str, own: pd.DataFrame, look: Look) -> dict[str, Any]:
    texts = [
        f"{r['configuration']}, {counted(r['seeds'], 'seed')}<br>on the Pareto front in "
        + (NOTHING if pd.isna(r["share_on_front"]) else percent(r["share_on_front"]))
        + f" of bootstraps<br>{escape(str(r['settings'])).replace(', ', '<br>')}"
        for r in own.to_dict("records")
    ]
    symbols = [look.symbol + ("" if on else "-open") for on in own["on_front"]]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": family,
        "x": own["x"].to_numpy(dtype=float),
        "y": own["y"].to_numpy(dtype=float),
        "error_x": _bar(own, "x", look),
        "error_y": _bar(own, "y", look),
        "marker": {"symbol": symbols, "size": 10, "color": look.light, "line": {"width": 1.5, "color": look.light}},
        "text": texts,
        "hovertemplate": "<b>%{fullData.name}</b> %{text}<br>%{x:.3f}, %{y:.3f}<extra></extra>",
    }


def _bar(own: pd.DataFrame, name: str, look: Look) -> dict[str, Any]:
    centre, low, high = (own[column].to_numpy(dtype=float) for column in (name, f"{name}_low", f"{name}_high"))
    up, down = np.nan_to_num(high - centre), np.nan_to_num(centre - low)
    return {
        "type": "data",
        "symmetric": False,
        "array": up,
        "arrayminus": down,
        "color": look.light,
        "thickness": 1,
        "width": 0,
    }
