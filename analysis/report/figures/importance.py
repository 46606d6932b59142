"""Pictures of importance: each hyperparameter's share as a bar, and search trials as lines across the hyperparameters
that decide most."""

from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from uncollapse.analysis.counted import counted
from uncollapse.analysis.report.figures.style import INK, MUTED, TOP, Look, Panel, Picture, Tab, axis, figure

MOST_BARS = 8
ROW = 38
TARGETS = {"nll": "what decides NLL", "collapse": "what decides collapse"}
TITLE = "Which searched hyperparameters decide the outcome"
CAPTION = (
    "Each bar is the share of a hyperparameter in deciding a search trial's rank by NLL, or whether it collapsed, the "
    "others "
    "averaged out (fANOVA, Optuna's evaluator); thin lines are 95 % intervals from half-samples of the trials. The "
    "grey upright is the largest share that one of 5 made-up hyperparameters of random numbers got: a bar that does "
    "not pass it, "
    "or whose interval reaches far below it, is not told apart from noise. ρ: rank correlation of the "
    "hyperparameters' order "
    "with that of Optuna's other evaluators, low where most hyperparameters do little. For NLL, trials that were "
    "stopped early "
    "or diverged count as worse than every finished one; for collapse only finished trials count. The search chose the "
    "trials adaptively, so this speaks of the configurations that it visited. A hyperparameter of one branch weighs "
    "as much "
    "as its "
    "branch was visited."
)


def importances(table: pd.DataFrame, agreement: pd.DataFrame, looks: Mapping[str, Look]) -> Picture:
    """A tab per target, a panel per family: bars with intervals, the strongest hyperparameters first.

    table, agreement: of `analysis.hyperparameters.importance`.
    """
    known = table[table["share"].notna()]
    tabs = [
        Tab(label, [_panel(own, agreement, looks) for _, own in _in_order(known[known["target"] == target], looks)])
        for target, label in TARGETS.items()
        if (known["target"] == target).any()
    ]
    without = _without(table)
    if not tabs:
        return Picture(TITLE, without or "No search trial has an outcome and a hyperparameter that varies.")
    return Picture(TITLE, f"{CAPTION} {without}".strip(), tabs)


def _in_order(table: pd.DataFrame, looks: Mapping[str, Look]) -> list[tuple[str, pd.DataFrame]]:
    groups = {str(family): group for family, group in table.groupby("family", sort=False)}
    return [(family, groups[family]) for family in looks if family in groups]


def _without(table: pd.DataFrame) -> str:
    lost = table[table["share"].isna()].drop_duplicates(["family", "target"])
    parts = [f"{row['family']} ({row['target']}: {row['note'] or 'no figure'})" for row in lost.to_dict("records")]
    return f"Without a figure: {'; '.join(parts)}." if parts else ""


def _panel(own: pd.DataFrame, agreement: pd.DataFrame, looks: Mapping[str, Look]) -> Panel:
    family, target = str(own["family"].iloc[0]), str(own["target"].iloc[0])
    shown = own.sort_values("share", ascending=False, kind="stable").head(MOST_BARS)
    rest = own["share"].sum() - shown["share"].sum()
    agreed = agreement[(agreement["family"] == family) & (agreement["target"] == target)]
    parts = [
        counted(own["trials"].iloc[0], "trial") if not own["note"].iloc[0] else str(own["note"].iloc[0]),
        f"{counted(len(own) - len(shown), 'more hyperparameter')} share {rest:.0%}".replace("%", " %")
        if len(own) > len(shown)
        else "",
        _agreed(agreed),
    ]
    return Panel(_bars(shown, looks[family]), family, "; ".join(part for part in parts if part))


def _agreed(agreed: pd.DataFrame) -> str:
    known = agreed[agreed["spearman"].notna()]
    parts = [
        f"{row['other']} ρ {row['spearman']:+.2f}".replace("-0", "−0") + (", another first" * (not row["same_first"]))
        for row in known.to_dict("records")
    ]
    return f"order against {'; '.join(parts)}" if parts else ""


def _bars(shown: pd.DataFrame, look: Look) -> Any:
    share, low, high = (shown[name].to_numpy(dtype=float) for name in ("share", "low", "high"))
    places = np.arange(len(shown))
    trace = {
        "type": "bar",
        "orientation": "h",
        "x": share,
        "y": places,
        "width": 0.3,
        "marker": {"color": look.light, "opacity": 0.85},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": np.nan_to_num(high - share),
            "arrayminus": np.nan_to_num(share - low),
            "color": INK,
            "thickness": 1.2,
            "width": 3,
        },
        "text": [_words(row) for row in shown.to_dict("records")],
        "textposition": "none",
        "hovertemplate": "%{text}<extra></extra>",
    }
    labels = [_label(place, row) for place, row in enumerate(shown.to_dict("records"))]
    return figure(
        [trace, _chance(shown, places)],
        ROW * len(shown) + 50,
        margin=TOP,
        xaxis=axis(range=[0, 1.02], tickformat=".0%", nticks=5),
        yaxis=axis(range=[len(shown) - 0.6, -0.75], showticklabels=False, showgrid=False),
        annotations=labels,
    )


def _chance(shown: pd.DataFrame, places: npt.NDArray[Any]) -> dict[str, Any]:
    ticks = {"size": 8, "symbol": "line-ns", "color": MUTED, "line": {"width": 2.5, "color": MUTED}}
    trace = {"type": "scatter", "mode": "markers", "x": shown["chance"].to_numpy(dtype=float), "y": places}
    return trace | {"marker": ticks, "hovertemplate": "a made-up hyperparameter: %{x:.0%}<extra></extra>"}


def _label(place: int, row: Mapping[str, Any]) -> dict[str, Any]:
    shown = f"<b>{escape(_short(str(row['hyperparameter'])))}</b> {_percents(row)}"
    where = {"x": 0, "xref": "paper", "xanchor": "left", "y": place, "yanchor": "bottom", "yshift": 5}
    return where | {"text": shown, "showarrow": False, "font": {"size": 11, "color": INK}}


def _short(name: str, most: int = 34) -> str:
    return name if len(name) <= most else f"…{name[1 - most :]}"


def _percents(row: Mapping[str, Any]) -> str:
    known = pd.notna(row["low"])
    return f"{100 * row['share']:.0f} %" + (f" ({100 * row['low']:.0f}–{100 * row['high']:.0f})" if known else "")


def _words(row: Mapping[str, Any]) -> str:
    where = f"<br>set where {escape(str(row['branch']))}" if row["branch"] else ""
    name, share = escape(str(row["hyperparameter"])), _percents(row)
    return f"{name}: {share}<br>set in {row['active']} of {counted(row['trials'], 'trial')}{where}"
