"""Pictures of where collapse begins: along each hyperparameter, and over pairs of hyperparameters."""

from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from uncollapse.analysis.collapse.boundary_2d import PAIR
from uncollapse.analysis.report.figures.style import INK, MUTED, SHADE, Look, Panel, Picture, Tab, axis, figure
from uncollapse.analysis.tables import value_text

MOST_POINTS = 400
SHARE = {"range": [-0.09, 1.09], "tickformat": ".0%", "tickvals": [0, 0.5, 1]}
ADAPTIVE = (
    "These are search trials, which an adaptive search chose and early stopping sifted: they say where the search met "
    "collapse, not how often a setting collapses; that is for the confirmation seeds."
)
BOUNDARIES = (
    "The line is the fitted probability of collapse (Firth's logistic regression on the hyperparameter and its "
    "square) over "
    "trials that were trained to their end, with its pointwise 95 % band (Laplace's approximation); each of these "
    "trials is a tick, above if it collapsed, below if not. Where the line crosses 1/2 collapse becomes the rule; a "
    "band that holds 1/2 throughout means that no boundary was found. The dotted line adds the stopped trials with "
    "their last verdicts: where it parts from the line, stopping has changed the picture. "
) + ADAPTIVE
MAPS = (
    "The stronger the colour, the likelier collapse, by Firth's logistic regression on both hyperparameters and their "
    "product. "
    "The solid line is where the fitted probability is 1/2; the dotted lines are where the ends of its pointwise 95 % "
    "band (Laplace's approximation) are. Marks are the fitted trials, hollow where the code stayed alive; far from "
    "marks the colour is a guess. "
) + ADAPTIVE


def boundaries(table: pd.DataFrame, crossed: pd.DataFrame, points: pd.DataFrame, looks: Mapping[str, Look]) -> Picture:
    """A tab a family, a panel a hyperparameter: the fitted probability of collapse with its band, and the trials at 0
    and 1."""
    title = "Where collapse begins"
    fitted = table[table["value"].notna()]
    places = crossed.set_index(["family", "hyperparameter"])
    marks = dict(list(points.groupby(["family", "hyperparameter"], sort=False)))
    tabs = []
    for family in [name for name in looks if (fitted["family"] == name).any()]:
        groups = fitted[fitted["family"] == family].groupby("hyperparameter", sort=False)
        panels = [
            Panel(
                _boundary(group, marks.get((family, hyperparameter)), looks[family]),
                str(hyperparameter),
                _note(places.loc[family, hyperparameter]),
            )
            for hyperparameter, group in groups
        ]
        tabs.append(Tab(family, panels))
    if not tabs:
        return Picture("boundary", title, "No family has enough search trials trained to their end to fit a boundary.")
    return Picture("boundary", title, BOUNDARIES + _drawn(points.groupby(["family", "hyperparameter"]).size()), tabs)


def _drawn(sizes: pd.Series) -> str:
    return (
        f" A panel draws at most {MOST_POINTS} trials, at random; the fit uses all."
        if (sizes > MOST_POINTS).any()
        else ""
    )


def _note(row: pd.Series) -> str:
    facts = f"{row['collapsed']} of {row['trials']} collapsed, {row['stopped']} stopped left out"
    if pd.isna(row["low"]) and pd.isna(row["high"]):
        return f"{row['note']}; {facts}"
    low, high = (value_text(float(row[end])) if pd.notna(row[end]) else "open" for end in ("low", "high"))
    return f"1/2 at {value_text(float(row['crossing']))} ({low} to {high}); {facts}"


def _boundary(group: pd.DataFrame, points: pd.DataFrame | None, look: Look) -> Any:
    x = group["value"].to_numpy(dtype=float)
    facts = group[["low", "high", "with_stopped"]].to_numpy(dtype=float)
    line = {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "y": group["probability"].to_numpy(dtype=float),
        "line": {"color": look.light, "width": 2},
        "customdata": facts,
        "hovertemplate": "at %{x:.3g}: %{y:.0%}<br>95 % band %{customdata[0]:.0%}–%{customdata[1]:.0%}"
        "<br>with stopped trials %{customdata[2]:.0%}<extra></extra>",
    }
    dotted = {"line": {"color": MUTED, "width": 1.5, "dash": "dot"}, "hoverinfo": "skip"}
    other = {"type": "scatter", "mode": "lines", "x": x, "y": facts[:, 2]} | dotted
    traces = [band_of(x, facts[:, 0], facts[:, 1], look), other, line]
    if points is not None:
        traces.append(_ticks(_sample(points), look))
    half = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 0.5, "y1": 0.5}
    rule = half | {"line": {"color": MUTED, "width": 1}}
    sides = {"xaxis": _hyperparameter_axis("", x, bool(group["log"].iloc[0])), "yaxis": axis("collapsed", **SHARE)}
    return figure(traces, 220, shapes=[rule], **sides)


def _sample(points: pd.DataFrame) -> pd.DataFrame:
    return points.sample(MOST_POINTS, random_state=0) if len(points) > MOST_POINTS else points


def band_of(x: Any, low: Any, high: Any, look: Look) -> dict[str, Any]:
    """A band between two lines, in a family's colour."""
    return {
        "type": "scatter",
        "mode": "lines",
        "x": np.concatenate([x, x[::-1]]),
        "y": np.concatenate([high, low[::-1]]),
        "fill": "toself",
        "fillcolor": look.light,
        "line": {"width": 0},
        "opacity": 0.18,
        "hoverinfo": "skip",
    }


def _ticks(points: pd.DataFrame, look: Look) -> dict[str, Any]:
    dead = points["collapsed"].astype(bool)
    return {
        "type": "scatter",
        "mode": "markers",
        "x": points["value"].to_numpy(dtype=float),
        "y": np.where(dead, 1.05, -0.05),
        "marker": {"symbol": "line-ns", "size": 7, "line": {"width": 1.2, "color": look.light}},
        "text": _trial_texts(points),
        "hovertemplate": "%{text}<br>at %{x:.3g}<extra></extra>",
    }


def _trial_texts(points: pd.DataFrame) -> list[str]:
    words = np.where(points["collapsed"].astype(bool), "collapsed", "alive")
    audit = np.where(points["audit"].astype(bool), ", audit", "")
    return [f"{escape(str(c))}: {w}{a}" for c, w, a in zip(points["configuration"], words, audit, strict=True)]


def _hyperparameter_axis(title: str, values: Any, log: bool) -> dict[str, Any]:
    if not log:
        return axis(title, nticks=5)
    wide = np.log10(float(np.max(values)) / float(np.min(values))) > 1.5
    return axis(f"{title}, log scale".removeprefix(", "), type="log", dtick=1 if wide else "D2", tickformat="~g")


def boundary_maps(table: pd.DataFrame, points: pd.DataFrame, looks: Mapping[str, Look]) -> Picture:
    """A tab a family, a panel a pair of hyperparameters: the fitted probability of collapse, its line at 1/2, and the
    trials."""
    title = "Where collapse begins, two settings at a time"
    fitted = table[table["probability"].notna()]
    marks = dict(list(points[points["state"] == "finished"].groupby(PAIR, sort=False)))
    tabs = []
    for family in [name for name in looks if (fitted["family"] == name).any()]:
        groups = fitted[fitted["family"] == family].groupby(PAIR, sort=False)
        panels = [
            Panel(_map(group, _sample(marks[names]), looks[family]), f"{names[1]} × {names[2]}", _map_note(group))
            for names, group in groups
        ]
        tabs.append(Tab(family, panels))
    if not tabs:
        return Picture(
            "boundary-maps", title, "No family has a pair of hyperparameters with enough trials trained to their end."
        )
    return Picture("boundary-maps", title, MAPS + _drawn(points.groupby(PAIR).size()), tabs)


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
        "xaxis": _hyperparameter_axis(first, x, bool(group["x_log"].iloc[0])),
        "yaxis": _hyperparameter_axis(second, y, bool(group["y_log"].iloc[0])),
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
        "text": _trial_texts(points),
        "hovertemplate": "%{text}<br>%{x:.3g}, %{y:.3g}<extra></extra>",
    }
