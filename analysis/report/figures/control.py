"""Picture of Average Hoyer along the hyperparameter that is meant to control it."""

from collections.abc import Mapping
from html import escape
from typing import Any

import pandas as pd

from uncollapse.analysis.report.figures.sparsity import LABELS
from uncollapse.analysis.report.figures.style import MUTED, Look, Panel, Picture, Tab, axis, figure
from uncollapse.analysis.report.wording import minus

MOST_POINTS = 400


def control(points: pd.DataFrame, follows: pd.DataFrame, looks: Mapping[str, Look]) -> Picture:
    """Average Hoyer along the hyperparameter that is meant to control it: a panel per group and hyperparameter, a dot
    per trial."""
    title = "Does sparsity follow the hyperparameter that should control it?"
    shown = follows[(follows["hyperparameter_high"] > follows["hyperparameter_low"])]
    tabs = []
    for measure in [name for name in ("hoyer_sample", "hoyer_mean") if (shown["measure"] == name).any()]:
        rows = shown[shown["measure"] == measure]
        own = points[points["measure"] == measure]
        panels = [
            Panel(
                _dots(own[(own["group"] == group) & (own["hyperparameter"] == hyperparameter)], hyperparameter, looks),
                group,
                _figures(part),
            )
            for (group, hyperparameter), part in rows.groupby(["group", "hyperparameter"], sort=False)
        ]
        tabs.append(Tab(LABELS[measure], panels))
    if not tabs:
        why = "No hyperparameter of sparsity varies here between finished trials of a family, so none can be followed."
        return Picture(title, why)
    caption = (
        "Average Hoyer of finished trials, 0 dense to 1 sparse, along the hyperparameter meant to set it. Filled "
        "marks are "
        "confirmation seeds on the full validation split; hollow ones are search trials on the subset, where other "
        "hyperparameters vary too. A short grey bar is the Average Hoyer of draws from the prior itself: samples that "
        "follow "
        "their prior lie on it. ρ is Spearman's rank correlation over confirmation seeds with a 95 % jackknife "
        "interval over seeds (over search trials a bootstrap one); R² is the share of the variance between trials that "
        "the best rising curve explains, in-sample."
    )
    return Picture(title, caption, tabs)


def _dots(points: pd.DataFrame, hyperparameter: str, looks: Mapping[str, Look]) -> Any:
    search = points[points["stage"] == "search"]
    search = search.sample(MOST_POINTS, random_state=0) if len(search) > MOST_POINTS else search
    drawn = pd.concat([search, points[points["stage"] == "replicate"]])
    parts = drawn.groupby(["family", "stage"], sort=False)
    traces = [_marks(part, looks[str(family)], str(stage)) for (family, stage), part in parts]
    prior = points[points["prior"].notna()].drop_duplicates(["value", "prior"]).sort_values("value")
    if len(prior) and (points["measure"] == "hoyer_sample").any():
        traces.append(_prior(prior))
    log = bool(points["log"].iloc[0]) and float(points["value"].min()) > 0
    x = (
        axis(f"{hyperparameter}, log scale", type="log", tickformat="~g", nticks=5)
        if log
        else axis(hyperparameter, nticks=6)
    )
    return figure(traces, 250, xaxis=x, yaxis=axis("Average Hoyer"))


def _marks(points: pd.DataFrame, look: Look, stage: str) -> dict[str, Any]:
    hollow = stage == "search"
    text = [
        f"<b>{escape(str(r['family']))} {r['configuration']}</b><br>{r['label']}<br>{stage}, seed {r['seed']}"
        for r in points.to_dict("records")
    ]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": points["value"].to_numpy(dtype=float),
        "y": points["hoyer"].to_numpy(dtype=float),
        "marker": {"color": look.light, "symbol": f"{look.symbol}-open" if hollow else look.symbol, "size": 8},
        "opacity": 0.5 if hollow else 0.8,
        "text": text,
        "hovertemplate": "%{text}<br>Average Hoyer %{y:.3f}<extra></extra>",
    }


def _prior(points: pd.DataFrame) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": points["value"].to_numpy(dtype=float),
        "y": points["prior"].to_numpy(dtype=float),
        "marker": {"symbol": "line-ew", "size": 18, "line": {"color": MUTED, "width": 2}},
        "hovertemplate": "draws from the prior: %{y:.3f}<extra></extra>",
    }


def _figures(rows: pd.DataFrame) -> str:
    return "; ".join(_sentence(row) for row in rows.to_dict("records"))


def _sentence(row: Mapping[str, Any]) -> str:
    who = f"{row['trials']} {'confirmation' if row['stage'] == 'replicate' else 'search'} runs"
    if pd.isna(row["spearman"]):
        return f"{who}: {row['note']}"
    range_ = f" ({row['low']:+.2f} to {row['high']:+.2f})" if pd.notna(row["low"]) else " (no interval)"
    way = f", medians {row['monotone']}" if row["stage"] == "replicate" and row["monotone"] != "neither" else ""
    return minus(f"{who}: ρ {row['spearman']:+.2f}{range_}{way}, R² {row['isotonic_r2']:.2f}")
