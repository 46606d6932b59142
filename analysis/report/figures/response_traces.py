"""Traces of the response pictures: search trials, replicated configurations and collapsed shares along one
hyperparameter."""

from html import escape
from typing import Any

import numpy as np
import pandas as pd

from uncollapse.analysis.counted import counted
from uncollapse.analysis.report.figures.style import INK, Look
from uncollapse.analysis.tables import value_text


def marks(group: pd.DataFrame, name: str, yaxis: str, look: Look) -> dict[str, Any]:
    """One mark per search trial, hollow where it was stopped early."""
    stopped = group["state"] == "stopped"
    facts = zip(group["configuration"], group["value"], group["verdict"], group["state"], strict=True)
    return {
        "type": "scatter",
        "mode": "markers",
        "x": group["value"].to_numpy(),
        "y": group[name].to_numpy(dtype=float),
        "yaxis": yaxis,
        "marker": {
            "symbol": [look.symbol + ("-open" if s else "") for s in stopped],
            "size": 7,
            "color": look.light,
            "opacity": 0.75,
        },
        "text": [f"{c}: {escape(value_text(v))}<br>{verdict}, {state}" for c, v, verdict, state in facts],
        "hovertemplate": f"%{{text}}<br>{name} %{{y:.3g}} nats<extra></extra>",
    }


def bands_of(bands: pd.DataFrame | None, name: str, yaxis: str) -> list[dict[str, Any]]:
    """A dash per replicated configuration at its median, with a line from its smallest to its largest seed."""
    known = bands[bands[name].notna()] if bands is not None else pd.DataFrame()
    if known.empty:
        return []
    middle, low, high = (known[f"{name}{end}"].to_numpy(dtype=float) for end in ("", "_low", "_high"))
    facts = zip(known["configuration"], known["value"], known["seeds"], known["planned"], low, high, strict=True)
    trace = {
        "type": "scatter",
        "mode": "markers",
        "x": known["value"].to_numpy(),
        "y": middle,
        "yaxis": yaxis,
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": np.nan_to_num(high - middle),
            "arrayminus": np.nan_to_num(middle - low),
            "width": 0,
            "color": INK,
            "thickness": 2.5,
        },
        "marker": {"size": 11, "color": INK, "symbol": "line-ew", "line": {"width": 3, "color": INK}},
        "text": [
            f"{c}: {escape(value_text(v))}<br>{seeds} of {counted(planned, 'seed')}, {a:.3g} to {b:.3g}"
            for c, v, seeds, planned, a, b in facts
        ],
        "hovertemplate": f"%{{text}}<br>median {name} %{{y:.3g}} nats<extra></extra>",
    }
    return [trace]


def shares_of(shares: pd.DataFrame, look: Look) -> dict[str, Any]:
    """A dash per bin at its share of collapsed trials, with the interval."""
    centre = shares["share"].to_numpy(dtype=float)
    up, down = shares["wilson_high"].to_numpy(dtype=float) - centre, centre - shares["wilson_low"].to_numpy(dtype=float)
    bars = {
        "type": "data",
        "symmetric": False,
        "array": np.maximum(up, 0),
        "arrayminus": np.maximum(down, 0),
        "width": 0,
    }
    return {
        "type": "scatter",
        "mode": "markers",
        "x": shares["bin"].to_numpy(),
        "y": centre,
        "yaxis": "y3",
        "error_y": bars | {"color": look.light, "thickness": 1.5},
        "marker": {"size": 8, "color": look.light, "symbol": "line-ew", "line": {"width": 3, "color": look.light}},
        "text": [
            f"{k} of {counted(n, 'trial')} collapsed"
            for k, n in zip(shares["collapsed"], shares["judged"], strict=True)
        ],
        "hovertemplate": "around %{x:.3g}: %{text}<extra></extra>"
        if len(shares) and not isinstance(shares["bin"].iloc[0], str)
        else "%{x}: %{text}<extra></extra>",
    }
