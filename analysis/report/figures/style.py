"""How pictures look: one colour and symbol per family in every figure, readable on light and dark ground."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import plotly.graph_objects as go

INK, MUTED, GRID, SHADE = "#20242c", "#6a7180", "#e3e6eb", "#f3f0ea"
_GROUND_DARK = {INK: "#e8eaee", MUTED: "#9aa2b1", GRID: "#333a46", SHADE: "#262b34"}

# Spread by a search over Oklab distances under normal, protan, deutan and tritan vision, for white and for near-black.
_LIGHT = ("#2868cf", "#c24400", "#70a176", "#e69f00", "#cf79c3", "#3d3595", "#2baafe", "#890a51")
_DARK = ("#4189c4", "#d16400", "#3ad064", "#ffe53e", "#f780ff", "#9350ff", "#a8e9fd", "#a6596d")
_GREY_LIGHT, _GREY_DARK = "#767676", "#9aa0a6"
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "triangle-down", "pentagon", "hexagram")
_GLYPHS = ("●", "■", "◆", "▲", "✚", "▼", "⬟", "✶")

MARGIN = {"l": 8, "r": 12, "t": 12, "b": 8}
SHARE = {"range": [-0.09, 1.09], "tickformat": ".0%", "tickvals": [0, 0.5, 1]}  # an axis with room beyond its ends
TOP = MARGIN | {"t": 24}
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


@dataclass(frozen=True)
class Look:
    """A family's colour on light and on dark ground, its plotly symbol and the same symbol as a character."""

    light: str
    dark: str
    symbol: str
    glyph: str


@dataclass(frozen=True)
class Panel:
    """One plot with its own small heading and remark."""

    figure: go.Figure
    title: str = ""
    note: str = ""


@dataclass(frozen=True)
class Tab:
    """Plots shown together."""

    label: str
    panels: Sequence[Panel]


@dataclass(frozen=True)
class Picture:
    """A titled picture: tabs of panels and a caption that says what to see; without tabs the caption says why.

    legend: families whose traces (named after them) a reader may switch off.
    """

    title: str
    caption: str
    tabs: Sequence[Tab] = field(default_factory=tuple)
    legend: Sequence[str] = field(default_factory=tuple)


def palette(families: Sequence[str], baselines: Sequence[str] = ()) -> dict[str, Look]:
    """A look for every family in order; baselines are grey. Past eight families colours return with other symbols."""
    looks: dict[str, Look] = {}
    coloured = 0
    for family in families:
        if family in baselines:
            looks[family] = Look(_GREY_LIGHT, _GREY_DARK, "x", "✖")
            continue
        colour, shape = coloured % len(_LIGHT), (coloured + coloured // len(_LIGHT)) % len(_SYMBOLS)
        looks[family] = Look(_LIGHT[colour], _DARK[colour], _SYMBOLS[shape], _GLYPHS[shape])
        coloured += 1
    return looks


def dark_of(looks: Mapping[str, Look]) -> dict[str, str]:
    """Every light colour in the pictures with its dark counterpart."""
    return {**_GROUND_DARK, **{look.light: look.dark for look in looks.values()}}


def axis(title: str = "", **more: Any) -> dict[str, Any]:
    """A quiet axis: thin grid, no zero line, title in muted ink."""
    base = {"gridcolor": GRID, "zeroline": False, "linecolor": GRID, "ticks": "", "automargin": True}
    return base | {"title": {"text": title, "font": {"color": MUTED, "size": 12}, "standoff": 8}} | more


def figure(data: Sequence[Mapping[str, Any]], height: int, **layout: Any) -> go.Figure:
    """A figure in the page's style, transparent so that the page's ground shows."""
    base: dict[str, Any] = {
        "template": "none",
        "height": height,
        "font": {"family": FONT, "size": 12, "color": INK},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": MARGIN,
        "showlegend": False,
        "hoverlabel": {"font": {"family": FONT, "size": 12}, "align": "left"},
        "dragmode": False,
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": MUTED, "activecolor": INK},
    }
    return go.Figure(data=[dict(trace) for trace in data], layout=base | layout)


def band(x: Any, low: Any, high: Any, look: Look, opacity: float = 0.18) -> dict[str, Any]:
    """A band between two lines, in a family's colour."""
    return {
        "type": "scatter",
        "mode": "lines",
        "x": np.concatenate([x, x[::-1]]),
        "y": np.concatenate([high, low[::-1]]),
        "fill": "toself",
        "fillcolor": look.light,
        "line": {"width": 0},
        "opacity": opacity,
        "hoverinfo": "skip",
    }


def vertical(x: float, text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A dotted vertical line over the whole plot with its label above it, as (shape, annotation)."""
    line = {
        "type": "line",
        "x0": x,
        "x1": x,
        "y0": 0,
        "y1": 1,
        "yref": "paper",
        "line": {"color": MUTED, "dash": "dot"},
    }
    label = {"x": x, "y": 1, "yref": "paper", "text": text, "showarrow": False, "xanchor": "left", "yanchor": "bottom"}
    return line, label | {"font": {"size": 11, "color": MUTED}, "xshift": -3}
