"""Pictures of what codes share: agreement between seeds, and which components each class of sentences uses."""

from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from uncollapse.analysis.comparison.configurations import best
from uncollapse.analysis.counted import counted
from uncollapse.analysis.report.figures.style import SHADE, TOP, Look, Panel, Picture, Tab, axis, figure, vertical
from uncollapse.analysis.sparsity.class_patterns import by_distinction
from uncollapse.analysis.sparsity.matching import MEASURES

ROW = 25
TABS = {"correlation": "dimensions", "active": "active sets", "on": "sets per sentence"}
MOST_COMPONENTS = 64


def agreement(table: pd.DataFrame, looks: Mapping[str, Look]) -> Picture:
    """Chance-corrected agreement between seeds: a dot and interval per configuration, a tab per measure."""
    title = "Do two seeds learn the same code?"
    known = table[table["index"].notna()]
    tabs = [
        Tab(label, [Panel(_dots(known[known["measure"] == name], looks), MEASURES[name], _silent(table, name))])
        for name, label in TABS.items()
        if (known["measure"] == name).any()
    ]
    if not tabs:
        reasons = [note for note in table["note"].unique() if note]
        why = f" ({'; '.join(reasons)})" if reasons else ""
        return Picture(title, f"No two confirmation seeds of a configuration have codes to compare{why}.")
    caption = (
        "Each dot is a configuration: the mean over all pairs of its confirmation seeds, after the dimensions of the "
        "two codes are matched on their absolute correlations over the same sentences. 1 means the same code but for "
        "order and sign; 0 means no more than matching finds when the sentences of one side are shuffled. Bars are "
        "95 % jackknife intervals over seeds; two seeds have none. Active dimensions are those whose mean varies by "
        "more than 0.01; a dimension is on in a sentence where its off-probability is below one half. Overlap is "
        "Jaccard's."
    )
    return Picture(title, caption, tabs)


def _silent(table: pd.DataFrame, name: str) -> str:
    lost = table[(table["measure"] == name) & table["index"].isna()]
    parts = [f"{row['family']} {row['configuration']}: {row['note']}" for row in lost.to_dict("records")]
    return "; ".join(parts[:3]) + (f"; {len(parts) - 3} more without an index" if len(parts) > 3 else "")


def _dots(rows: pd.DataFrame, looks: Mapping[str, Look]) -> Any:
    places = {unit: -float(i) for i, unit in enumerate(zip(rows["family"], rows["configuration"], strict=True))}
    labels = [f"<b>{escape(str(family))}</b> {configuration}" for family, configuration in places]
    low = min(0.0, float(rows[["index", "low"]].min().min()))
    line, label = vertical(0.0, "chance")
    layout = {
        "xaxis": axis("agreement beyond chance", range=[max(low, -1.0) - 0.03, 1.03]),
        "yaxis": axis(tickvals=list(places.values()), ticktext=labels, showgrid=False, range=[0.7 - len(places), 0.7]),
        "margin": TOP,
        "shapes": [line],
        "annotations": [label],
    }
    order = [name for name in looks if (rows["family"] == name).any()]
    traces = [_trace(rows[rows["family"] == name], places, looks[name]) for name in order]
    return figure(traces, ROW * (len(places) + 1) + 80, **layout)


def _trace(own: pd.DataFrame, places: Mapping[Any, float], look: Look) -> dict[str, Any]:
    index, low, high = (own[c].to_numpy(dtype=float) for c in ("index", "low", "high"))
    bars = {"type": "data", "symmetric": False, "array": high - index, "arrayminus": index - low}
    return {
        "type": "scatter",
        "mode": "markers",
        "x": index,
        "y": [places[unit] for unit in zip(own["family"], own["configuration"], strict=True)],
        "error_x": bars | {"color": look.light, "thickness": 1.5, "width": 0},
        "marker": {"size": 9, "color": look.light, "symbol": look.symbol},
        "text": [_words(row) for row in own.to_dict("records")],
        "hovertemplate": "%{text}<extra></extra>",
    }


def _words(row: Mapping[str, Any]) -> str:
    interval = f" ({row['low']:.2f} to {row['high']:.2f})" if pd.notna(row["low"]) else ", no interval"
    return (
        f"<b>{escape(str(row['family']))} {row['configuration']}</b><br>index {row['index']:.2f}{interval}"
        f"<br>observed {row['observed']:.3f}, shuffled {row['chance']:.3f}"
        f"<br>{counted(row['pairs'], 'pair')} of {counted(row['seeds'], 'seed')}"
    )


def class_patterns(
    table: pd.DataFrame, separation: pd.DataFrame, configurations: pd.DataFrame, looks: Mapping[str, Look]
) -> Picture:
    """Heat maps of the share of a class's sentences with each component on: one seed of each best configuration."""
    title = "Do classes of sentences use different components?"
    panels = []
    for row in best(configurations).to_dict("records"):
        own = table[(table["family"] == row["family"]) & (table["configuration"] == row["configuration"])]
        if len(own):
            seed = own["seed"].min()
            note = _separate(separation, row, seed)
            panels.append(Panel(_heat(own[own["seed"] == seed], looks[row["family"]]), str(row["family"]), note))
    if not panels:
        return Picture(title, "No confirmation seed of a labelled corpus has recorded its patterns.")
    words = separation["class_kl"].dropna()
    said = (
        f" The words of two classes of this corpus lie {words.iloc[0]:.2f} nats apart (mean KL with add-one smoothing, "
        "training split): that is what the text itself offers to tell them by."
        if len(words)
        else " The KL between the words of the classes is not recorded here."
    )
    caption = (
        "Share of a class's validation sentences with a component on, from none (ground) to all (full colour), in the "
        "first confirmation seed of each family's best configuration; components that differ most between classes come "
        "first. Columns of one shade tell no classes apart. A sparse code's component is on where its off-probability "
        "is below one half, a dense code's where its mean lies a standard deviation from its average. Separation is "
        "the variance of these shares between classes, averaged over components (at most 0.25), mean over seeds; its "
        "index is corrected for shuffled classes, with Student's 95 % interval over seeds." + said
    )
    return Picture(title, caption, [Tab("", panels)])


def _separate(separation: pd.DataFrame, row: Mapping[str, Any], seed: Any) -> str:
    unit = (separation["family"] == row["family"]) & (separation["configuration"] == row["configuration"])
    if not unit.any():
        return f"seed {seed}; separation not recorded"
    found = separation[unit].iloc[0]
    interval = f" ({found['low']:.3f} to {found['high']:.3f})" if pd.notna(found["low"]) else ""
    figures = (
        f"separation {found['separation']:.4f}, shuffled {found['chance']:.4f}, index {found['index']:.3f}{interval}"
    )
    return f"seed {seed}; {figures}, {counted(found['seeds'], 'seed')}"


def _heat(own: pd.DataFrame, look: Look) -> Any:
    shares = own.pivot_table(index="class", columns="component", values="on", sort=False)
    order = by_distinction(shares.to_numpy())[:MOST_COMPONENTS]
    names = [escape(_short(str(name))) for name in shares.index]
    trace = {
        "type": "heatmap",
        "z": shares.to_numpy()[:, order],
        "y": list(range(len(names))),
        "customdata": np.tile(shares.columns.to_numpy()[order], (len(names), 1)),
        "text": np.tile(np.array([escape(str(name)) for name in shares.index])[:, None], (1, len(order))),
        "colorscale": [[0, SHADE], [1, look.light]],
        "zmin": 0,
        "zmax": 1,
        "showscale": False,
        "hovertemplate": "<b>%{text}</b>, component %{customdata}<br>on in %{z:.0%}<extra></extra>",
    }
    left_out = shares.shape[1] - len(order)
    title = f"components, most distinct first ({left_out} more)" if left_out else "components, most distinct first"
    y = axis(tickvals=list(range(len(names))), ticktext=names, autorange="reversed", showgrid=False)
    return figure([trace], 17 * len(names) + 70, xaxis=axis(title, showticklabels=False, showgrid=False), yaxis=y)


def _short(name: str, most: int = 18) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"
