"""Pictures of likelihood: every confirmation seed's NLL, and NLL against mutual information."""

import itertools
from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from uncollapse.analysis.comparison.configurations import estimator
from uncollapse.analysis.report.figures.style import (
    MUTED,
    SHADE,
    TOP,
    Look,
    Panel,
    Picture,
    Tab,
    axis,
    figure,
    vertical,
)
from uncollapse.analysis.schema import LIKELIHOODS
from uncollapse.analysis.verdict_rule import Thresholds

FLOOR = 1e-3
ROW = 25


def likelihood(
    judged: pd.DataFrame, table: pd.DataFrame, study: Mapping[str, Any], looks: Mapping[str, Look]
) -> Picture:
    """Each replicated configuration's NLL: one mark per seed, the median and its interval."""
    title = "Which configurations are best"
    shown = table[table["nll"].notna()]
    if shown.empty:
        return Picture(title, "No confirmation seed has finished with a likelihood yet.")
    rows = shown.to_dict("records")
    seeds = judged[(judged["stage"] == "replicate") & (judged["state"] == "finished") & judged["nll"].notna()]
    groups = dict(list(seeds.groupby(["family", "configuration"], sort=False)))
    places = _places([row["family"] for row in rows])
    traces = [
        trace
        for row, place in zip(rows, places, strict=True)
        for trace in _row(row, groups[row["family"], row["configuration"]], place, looks[row["family"]])
    ]
    ticks = [f"<b>{escape(r['family'])}</b> {_pale(r)}" if r["rank"] == 1 else _pale(r) for r in rows]
    layout = {
        "xaxis": axis(_nll_title(shown, study), side="top"),
        "yaxis": axis(tickvals=places, ticktext=ticks, showgrid=False, range=[places[-1] - 0.7, 0.7]),
    }
    caption = (
        "One faint mark per confirmation seed (hollow: it collapsed), the median as an upright bar, and, from five "
        "seeds on, its 95 % order-statistic interval. Configurations stand in the order of their medians within a "
        "family. Two intervals that overlap widely do not rank their configurations; the best of several medians "
        "flatters itself a little."
    )
    plot = figure(traces, int(ROW * (1 - places[-1])) + 80, **layout)
    return Picture(title, caption, [Tab("", [Panel(plot)])])


def _pale(row: Mapping[str, Any]) -> str:
    return f"<span style='color:{MUTED}'>{row['configuration']}</span>"


def _places(families: list[str]) -> list[float]:
    steps = [0.0, *(1.0 if a == b else 1.45 for a, b in itertools.pairwise(families))]
    return [float(p) for p in -np.cumsum(steps)]


def _row(row: Mapping[str, Any], seeds: pd.DataFrame, place: float, look: Look) -> list[dict[str, Any]]:
    dots = {
        "type": "scatter",
        "mode": "markers",
        "x": seeds["nll"].to_numpy(),
        "y": np.full(len(seeds), place),
        "marker": {"symbol": _symbols(seeds, look), "size": 7, "color": look.light},
        "opacity": 0.6,
        "text": [f"seed {s}: {v}" for s, v in zip(seeds["seed"], seeds["verdict"], strict=True)],
        "hovertemplate": "%{text}<br>%{x:.2f} nats<extra></extra>",
    }
    known = np.isfinite(row["nll_low"])
    bars = {"array": [row["nll_high"] - row["nll"]], "arrayminus": [row["nll"] - row["nll_low"]]} if known else {}
    median = {
        "type": "scatter",
        "mode": "markers",
        "x": [row["nll"]],
        "y": [place],
        "marker": {"symbol": "line-ns", "size": 14, "line": {"width": 3, "color": look.light}},
        "text": [
            f"<b>{escape(row['family'])} {row['configuration']}</b><br>" + escape(row["settings"]).replace(", ", "<br>")
        ],
        "hovertemplate": "%{text}<br>median %{x:.2f} nats<extra></extra>",
    }
    if known:
        median["error_x"] = {"type": "data", "symmetric": False, "color": look.light, "thickness": 2, "width": 0} | bars
    return [dots, median]


def _symbols(trials: pd.DataFrame, look: Look) -> list[str]:
    return [look.symbol + ("-open" if verdict == "collapsed" else "") for verdict in trials["verdict"]]


def _nll_title(table: pd.DataFrame, study: Mapping[str, Any]) -> str:
    names = [name for name in ("nll_iw", "nll_exact", *LIKELIHOODS[2:]) if (table["nll_estimator"] == name).any()]
    return ", ".join(estimator(study, name) for name in names) + "; nats per sentence"


def nll_against_mi(
    judged: pd.DataFrame, study: Mapping[str, Any], thresholds: Thresholds, looks: Mapping[str, Look]
) -> Picture:
    """NLL against mutual information, families coloured, the collapse threshold drawn."""
    title = "Likelihood against information in the code"
    stages = {"replicate": ("confirmation seeds", "valid"), "search": ("search trials (adaptive)", "subset")}
    tabs = []
    for stage, (label, split) in stages.items():
        trials = judged[(judged["stage"] == stage) & judged["nll"].notna()]
        if trials["mi"].notna().any():
            tabs.append(Tab(label, [Panel(_scatter(trials, study, split, thresholds, looks))]))
    if not tabs:
        return Picture(title, "No trial has both a likelihood and a mutual information yet.")
    caption = (
        "Down is a better likelihood, right is more information about the sentence in its code. Hollow marks are "
        f"collapsed, by mi (left of the dotted line) or by latent_gain. mi below {FLOOR:g} nats is drawn at {FLOOR:g}. "
        "The dashed line is the language model's best configuration, which has no code: a mark below it gains from "
        "its code. Search trials use another sample count and fewer sentences: never read the two tabs on one scale."
    )
    with_code = set(judged.loc[judged["mi"].notna(), "family"])
    return Picture(title, caption, tabs, [name for name in looks if name in with_code])


def _scatter(
    trials: pd.DataFrame, study: Mapping[str, Any], split: str, bounds: Thresholds, looks: Mapping[str, Look]
) -> Any:
    latent = trials[trials["mi"].notna()]
    traces = [_cloud(str(family), group, looks[str(family)]) for family, group in latent.groupby("family", sort=False)]
    line, label = vertical(bounds.mi, "collapsed by mi")
    label |= {"x": float(np.log10(bounds.mi)), "xanchor": "right", "xshift": 3}
    shade = {"type": "rect", "x0": FLOOR / 2, "x1": bounds.mi, "y0": 0, "y1": 1, "yref": "paper", "layer": "below"}
    shapes = [shade | {"fillcolor": SHADE, "line": {"width": 0}}, line]
    annotations = [label]
    exact = trials[trials["nll_estimator"] == "nll_exact"].groupby("configuration")["nll"].median()
    if len(exact):
        level = float(exact.min())
        rule = {"type": "line", "x0": 0, "x1": 1, "xref": "paper", "y0": level, "y1": level}
        shapes.append(rule | {"line": {"color": MUTED, "dash": "dash", "width": 1}})
        note = {"x": 0, "xref": "paper", "y": level, "text": "language model (nll_exact)", "showarrow": False}
        annotations.append(
            note | {"xanchor": "left", "xshift": 4, "yanchor": "bottom", "font": {"size": 11, "color": MUTED}}
        )
    top = float(np.log10(max(latent["mi"].max(), 10 * bounds.mi) * 1.4))
    layout = {
        "xaxis": axis(f"mi on {split}, nats (log scale)", type="log", range=[np.log10(FLOOR / 1.5), top], dtick=1),
        "yaxis": axis(f"{estimator(study, 'nll_iw', split)} on {split}, nats per sentence"),
        "margin": TOP,
        "shapes": shapes,
        "annotations": annotations,
    }
    return figure(traces, 460, **layout)


def _cloud(family: str, group: pd.DataFrame, look: Look) -> dict[str, Any]:
    facts = zip(group["configuration"], group["seed"], group["verdict"], group["mi"], group["latent_gain"], strict=True)
    texts = [f"{c}, seed {s}: {v}<br>mi {m:.3g}, latent_gain {g:.3g} nats" for c, s, v, m, g in facts]
    return {
        "type": "scattergl" if len(group) > 1500 else "scatter",
        "mode": "markers",
        "name": family,
        "x": np.maximum(group["mi"].to_numpy(dtype=float), FLOOR),
        "y": group["nll"].to_numpy(dtype=float),
        "marker": {
            "symbol": _symbols(group, look),
            "size": 9,
            "color": look.light,
            "line": {"width": 1.2, "color": look.light},
        },
        "opacity": 0.7,
        "text": texts,
        "hovertemplate": "<b>%{fullData.name}</b> %{text}<br>NLL %{y:.2f} nats<extra></extra>",
    }
