"""Pictures of sparsity: Average Hoyer over training with bands over seeds."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.stability import by_epoch
from analysis.style import Look, Panel, Picture, Tab, axis, figure

LABELS = {
    "hoyer_mean": "means",
    "hoyer_sample": "samples",
    "hoyer_mean_centred": "means, centred",
    "hoyer_sample_centred": "samples, centred",
}
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")


def hoyer_by_epoch(
    judged: pd.DataFrame, curves: pd.DataFrame, table: pd.DataFrame, looks: Mapping[str, Look]
) -> Picture:
    """Average Hoyer at every epoch per family: a line per configuration, a band over its seeds."""
    title = "Is the sparsity the same from seed to seed?"
    tabs = []
    for measure, label in LABELS.items():
        points = by_epoch(judged, curves, measure)
        if len(points):
            tabs.append(Tab(label, _panels(points, table, looks)))
    if not tabs:
        return Picture("hoyer", title, "No confirmation seed has recorded an Average Hoyer yet.")
    caption = (
        "Average Hoyer on the fixed validation subset, 0 dense to 1 sparse; one line per configuration (best first: "
        "solid, dashed, dotted), the median over its confirmation seeds, and a band from the lowest to the highest "
        "seed. A narrow band means that the sparsity belongs to the setting; bands that overlap mean that the seed "
        "matters more. Uncentred figures read near-constant dimensions as sparse: compare them with the centred ones. "
        "All panels share one scale."
    )
    return Picture("hoyer", title, caption, tabs)


def _panels(points: pd.DataFrame, table: pd.DataFrame, looks: Mapping[str, Look]) -> list[Panel]:
    ranks = {(r["family"], r["configuration"]): r["rank"] for r in table.to_dict("records")}
    low, high = float(points["low"].min()), float(points["high"].max())
    pad = 0.05 * (high - low) or 0.05
    panels = []
    for family in [name for name in looks if (points["family"] == name).any()]:
        own = points[points["family"] == family]
        names = sorted(own["configuration"].unique(), key=lambda name: _rank(ranks.get((family, name))))
        traces = [
            trace
            for i, name in enumerate(names)
            for trace in _band(own[own["configuration"] == name], str(name), DASHES[i % len(DASHES)], looks[family])
        ]
        layout = {"xaxis": axis("epoch", tickformat="d"), "yaxis": axis("Average Hoyer", range=[low - pad, high + pad])}
        panels.append(Panel(figure(traces, 230, **layout), family, _seeds_note(own)))
    return panels


def _rank(rank: Any) -> float:
    return float(rank) if pd.notna(rank) else np.inf


def _seeds_note(own: pd.DataFrame) -> str:
    last = own.sort_values("epoch").groupby("configuration").tail(1)
    return ", ".join(f"{row['seeds']}/{row['planned']}" for row in last.to_dict("records")) + " seeds at the end"


def _band(points: pd.DataFrame, name: str, dash: str, look: Look) -> list[dict[str, Any]]:
    epochs = points["epoch"].to_numpy(dtype=float)
    outline = np.concatenate([points["high"].to_numpy(dtype=float), points["low"].to_numpy(dtype=float)[::-1]])
    band = {
        "type": "scatter",
        "mode": "lines",
        "x": np.concatenate([epochs, epochs[::-1]]),
        "y": outline,
        "fill": "toself",
        "fillcolor": look.light,
        "line": {"width": 0},
        "opacity": 0.16,
        "hoverinfo": "skip",
    }
    line = {
        "type": "scatter",
        "mode": "lines+markers" if len(epochs) < 3 else "lines",
        "name": name,
        "x": epochs,
        "y": points["median"].to_numpy(dtype=float),
        "line": {"color": look.light, "width": 2, "dash": dash},
        "customdata": points[["low", "high", "seeds", "planned"]].to_numpy(),
        "hovertemplate": (
            f"<b>{name}</b> epoch %{{x}}<br>median %{{y:.3f}}, range %{{customdata[0]:.3f}}–%{{customdata[1]:.3f}}"
            "<br>%{customdata[2]} of %{customdata[3]} seeds<extra></extra>"
        ),
    }
    return [band, line]
