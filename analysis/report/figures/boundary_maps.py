"""Pictures of where collapse begins over pairs of hyperparameters."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from uncollapse.analysis.collapse.boundary_2d import PAIR
from uncollapse.analysis.report.figures.boundary import ADAPTIVE, drawn_note, hyperparameter_axis, sample, trial_texts
from uncollapse.analysis.report.figures.style import INK, SHADE, Look, Panel, Picture, Tab, figure

MAPS = (
    "The stronger the colour, the likelier collapse, by Firth's logistic regression on both hyperparameters and their "
    "product. "
    "The solid line is where the fitted probability is 1/2; the dotted lines are where the ends of its pointwise 95 % "
    "band (Laplace's approximation) are. Marks are the fitted trials, hollow where the code stayed alive; far from "
    "marks the colour is a guess. "
) + ADAPTIVE


def boundary_maps(table: pd.DataFrame, points: pd.DataFrame, looks: Mapping[str, Look]) -> Picture:
    """A tab a family, a panel a pair of hyperparameters: the fitted probability of collapse, its line at 1/2, and the
    trials."""
    title = "Where collapse begins, two hyperparameters at a time"
    fitted = table[table["probability"].notna()]
    marks = dict(list(points[points["state"] == "finished"].groupby(PAIR, sort=False)))
    tabs = []
    for family in [name for name in looks if (fitted["family"] == name).any()]:
        groups = fitted[fitted["family"] == family].groupby(PAIR, sort=False)
        panels = [
            Panel(_map(group, sample(marks[names]), looks[family]), f"{names[1]} × {names[2]}", _map_note(group))
            for names, group in groups
        ]
        tabs.append(Tab(family, panels))
    if not tabs:
        return Picture(title, "No family has a pair of hyperparameters with enough trials trained to their end.")
    return Picture(title, MAPS + drawn_note(points.groupby(PAIR).size()), tabs)


def _map_note(group: pd.DataFrame) -> str:
    row = group.iloc[0]
    counted = f"{row['collapsed']} of {row['trials']} collapsed, {row['stopped']} stopped left out"
    return f"{row['note']}; {counted}" if row["note"] else counted


def _map(group: pd.DataFrame, points: pd.DataFrame, look: Look) -> Any:
    x, y = (np.unique(group[name].to_numpy(dtype=float)) for name in ("x", "y"))
    surfaces = {name: group.pivot(index="y", columns="x", values=name).to_numpy() for name in _SURFACES}
    heat = {
        "type": "heatmap",
        "x": x,
        "y": y,
        "z": surfaces["probability"],
        "customdata": np.dstack([surfaces["low"], surfaces["high"]]),
        "zmin": 0,
        "zmax": 1,
        "colorscale": [[0, SHADE], [1, look.light]],
        "showscale": False,
        "hovertemplate": "%{x:.3g}, %{y:.3g}: %{z:.0%}<br>95 % band %{customdata[0]:.0%}–%{customdata[1]:.0%}"
        "<extra></extra>",
    }
    lines = [_half(x, y, z, "solid" if name == "probability" else "dot") for name, z in surfaces.items()]
    _, first, second = group[PAIR].iloc[0]
    sides = {
        "xaxis": hyperparameter_axis(first, x, bool(group["x_log"].iloc[0])),
        "yaxis": hyperparameter_axis(second, y, bool(group["y_log"].iloc[0])),
    }
    return figure([heat, *lines, _dots(points)], 320, **sides)


_SURFACES = ("probability", "low", "high")


def _half(x: Any, y: Any, z: Any, dash: str) -> dict[str, Any]:
    return {
        "type": "contour",
        "x": x,
        "y": y,
        "z": z,
        "contours": {"start": 0.5, "end": 0.5, "size": 1, "coloring": "none"},
        "line": {"color": INK, "width": 2 if dash == "solid" else 1, "dash": dash},
        "showscale": False,
        "hoverinfo": "skip",
    }


def _dots(points: pd.DataFrame) -> dict[str, Any]:
    symbols = np.where(points["collapsed"].astype(bool), "circle", "circle-open")
    return {
        "type": "scatter",
        "mode": "markers",
        "x": points["x"].to_numpy(dtype=float),
        "y": points["y"].to_numpy(dtype=float),
        "marker": {"symbol": symbols, "size": 7, "color": INK, "opacity": 0.8},
        "text": trial_texts(points),
        "hovertemplate": "%{text}<br>%{x:.3g}, %{y:.3g}<extra></extra>",
    }
