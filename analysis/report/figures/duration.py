"""The picture of when collapse happens, over the epochs of a training."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from uncollapse.analysis.collapse.survival import POPULATIONS
from uncollapse.analysis.report.figures.style import SHARE, Look, Panel, Picture, Tab, axis, band, figure

DASHES = dict(zip(POPULATIONS, ("solid", "dash", "dot"), strict=True))
SURVIVAL = (
    "Share of trials whose code is still alive, by epochs since it first was (Kaplan-Meier, 95 % log-log Greenwood "
    "band). A drop is a trial that fell below the verdict's thresholds and stayed there to its last record; a cross is "
    "a trial that was last seen alive, stopped or ended (censored). Solid: confirmation runs; dashed: the audit share "
    "of the search, never stopped; dotted: other search trials. Trials that were never alive are counted, not drawn. "
    "Runs of one configuration are alike, so that the solid line's band is too narrow."
)


def survival(steps: pd.DataFrame, found: pd.DataFrame, looks: Mapping[str, Look]) -> Picture:
    """A panel a family: the share of trials still alive by epochs since they first were, per population."""
    title = "When collapse happens"
    panels = []
    for family in [name for name in looks if (steps["family"] == name).any()]:
        own = steps[steps["family"] == family]
        traces = [
            trace
            for population in POPULATIONS
            for trace in _steps(own[own["population"] == population], population, looks[family])
        ]
        sides = {"xaxis": axis("epochs since first alive", rangemode="tozero"), "yaxis": axis("still alive", **SHARE)}
        panels.append(Panel(figure(traces, 230, **sides), family, _fates_note(found[found["family"] == family])))
    if not panels:
        return Picture(title, "No trial with both measures was ever alive, so no time to collapse can be told.")
    return Picture(title, SURVIVAL, [Tab("", panels)])


def _fates_note(own: pd.DataFrame) -> str:
    rows = own.to_dict("records")
    parts = [
        f"{r['population']}: {r['collapsed']} of {r['trials']} collapsed, {r['never alive']} never alive" for r in rows
    ]
    return "; ".join(parts)


def _steps(own: pd.DataFrame, population: str, look: Look) -> list[dict[str, Any]]:
    if own.empty:
        return []
    x = np.repeat(own["epoch"].to_numpy(dtype=float), 2)[1:]
    low, alive, high = (np.repeat(own[name].to_numpy(dtype=float), 2)[:-1] for name in ("low", "survival", "high"))
    facts = own[["low", "high", "at_risk", "collapsed", "censored"]].to_numpy(dtype=float)
    line = {
        "type": "scatter",
        "mode": "lines",
        "name": population,
        "x": x,
        "y": alive,
        "line": {"color": look.light, "width": 2, "dash": DASHES[population]},
        "customdata": np.repeat(facts, 2, axis=0)[:-1],
        "hovertemplate": f"<b>{population}</b><br>%{{y:.0%}} alive at %{{x}}, 95 % %{{customdata[0]:.0%}}–"
        "%{customdata[1]:.0%}<br>%{customdata[2]} at risk, %{customdata[3]} collapsed, %{customdata[4]} censored"
        "<extra></extra>",
    }
    lost = own[own["censored"] > 0]
    crosses = {
        "type": "scatter",
        "mode": "markers",
        "x": lost["epoch"].to_numpy(dtype=float),
        "y": lost["survival"].to_numpy(dtype=float),
        "marker": {"symbol": "cross-thin", "size": 8, "line": {"width": 1, "color": look.light}},
        "hoverinfo": "skip",
    }
    return [band(x, low, high, look), line, crosses]
