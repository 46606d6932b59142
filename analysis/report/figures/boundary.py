"""Pictures of where collapse begins along each hyperparameter."""

from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from uncollapse.analysis.report.figures.style import MUTED, SHARE, Look, Panel, Picture, Tab, axis, band, figure
from uncollapse.analysis.tables import value_text

MOST_POINTS = 400
ADAPTIVE = (
    "These are search trials, which an adaptive search chose and early stopping sifted: they say where the search met "
    "collapse, not how often a configuration collapses; that is for the confirmation seeds."
)
BOUNDARIES = (
    "The line is the fitted probability of collapse (Firth's logistic regression on the hyperparameter and its "
    "square) over "
    "trials that were trained to their end, with its pointwise 95 % band (Laplace's approximation); each of these "
    "trials is a tick, above if it collapsed, below if not. Where the line crosses 1/2 collapse becomes the rule; a "
    "band that holds 1/2 throughout means that no boundary was found. The dotted line adds the stopped trials with "
    "their last verdicts: where it parts from the line, stopping has changed the picture. "
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
        return Picture(title, "No family has enough search trials trained to their end to fit a boundary.")
    return Picture(title, BOUNDARIES + drawn_note(points.groupby(["family", "hyperparameter"]).size()), tabs)


def drawn_note(sizes: pd.Series) -> str:
    """That a panel draws not every trial, where it does not."""
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
    traces = [band(x, facts[:, 0], facts[:, 1], look), other, line]
    if points is not None:
        traces.append(_ticks(sample(points), look))
    half = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 0.5, "y1": 0.5}
    rule = half | {"line": {"color": MUTED, "width": 1}}
    sides = {"xaxis": hyperparameter_axis("", x, bool(group["log"].iloc[0])), "yaxis": axis("collapsed", **SHARE)}
    return figure(traces, 220, shapes=[rule], **sides)


def sample(points: pd.DataFrame) -> pd.DataFrame:
    """As many trials as a panel draws, at random."""
    return points.sample(MOST_POINTS, random_state=0) if len(points) > MOST_POINTS else points


def _ticks(points: pd.DataFrame, look: Look) -> dict[str, Any]:
    dead = points["collapsed"].astype(bool)
    return {
        "type": "scatter",
        "mode": "markers",
        "x": points["value"].to_numpy(dtype=float),
        "y": np.where(dead, 1.05, -0.05),
        "marker": {"symbol": "line-ns", "size": 7, "line": {"width": 1.2, "color": look.light}},
        "text": trial_texts(points),
        "hovertemplate": "%{text}<br>at %{x:.3g}<extra></extra>",
    }


def trial_texts(points: pd.DataFrame) -> list[str]:
    """What a mark says of its trial."""
    words = np.where(points["collapsed"].astype(bool), "collapsed", "alive")
    audit = np.where(points["audit"].astype(bool), ", audit", "")
    return [f"{escape(str(c))}: {w}{a}" for c, w, a in zip(points["configuration"], words, audit, strict=True)]


def hyperparameter_axis(title: str, values: Any, log: bool) -> dict[str, Any]:
    """The axis of a hyperparameter, on a log scale where the hyperparameter is searched on one."""
    if not log:
        return axis(title, nticks=5)
    wide = np.log10(float(np.max(values)) / float(np.min(values))) > 1.5
    return axis(f"{title}, log scale".removeprefix(", "), type="log", dtick=1 if wide else "D2", tickformat="~g")
