"""Search trials as lines across their hyperparameters: parallel coordinates with the axes lying flat.

Flat axes have room for long names at any width, and plain lines print and turn dark with the page; plotly's Parcoords
needs WebGL and knows neither dashes nor line strength. Optuna draws plain lines too, but a trace for each trial.
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from uncollapse.analysis.counted import counted
from uncollapse.analysis.hyperparameters.response import tidy
from uncollapse.analysis.report.figures.style import INK, MUTED, SHADE, Look, Panel, Picture, Tab, figure
from uncollapse.analysis.tables import value_text

MOST_AXES, MOST_LINES, MOST_LEVELS = 6, 200, 6
ROW = 62
ABSENT = -0.09
STOPPED = "stopped early"
TITLE = "The search's trials, hyperparameter by hyperparameter"
CAPTION = (
    "One line per search trial, from its NLL at the top through its hyperparameters, the one with the largest share in "
    "deciding NLL first. Strong lines are the best quarter of the finished trials; where they gather on an axis, the "
    "search found good values there. Dashed lines collapsed. Pale dotted lines were stopped early and have no final "
    "NLL. A line at the left edge has no such hyperparameter in its branch. The search is adaptive: many lines at one "
    "place "
    "show where it looked."
)


class Scale(NamedTuple):
    """One axis: a place in [0, 1] per trial (NaN: not set), and the places and words of its ticks."""

    name: str
    places: pd.Series
    ticks: Sequence[float]
    words: Sequence[str]


def parallel(judged: pd.DataFrame, importances: pd.DataFrame, looks: Mapping[str, Look]) -> Picture:
    """A tab per family: finished and stopped search trials across the most important six hyperparameters, NLL and MI.

    importances: of `analysis.hyperparameters.importance`; a family without a share there shows the hyperparameters
        that most trials have.
    """
    search = judged[(judged["stage"] == "search") & judged["state"].isin(["finished", "stopped"])]
    table = tidy(search)
    tabs = []
    for family in looks:
        own = search[search["family"] == family].set_index("key")
        hyperparameters = table[table["family"] == family]
        if len(hyperparameters) and (own["nll"].notna() & (own["state"] == "finished")).any():
            tabs.append(
                Tab(family, [_panel(own, hyperparameters, _ranked(hyperparameters, importances), looks[family])])
            )
    if not tabs:
        return Picture(TITLE, "No search trial has finished with an NLL and a hyperparameter that varies.")
    return Picture(TITLE, CAPTION, tabs)


def _ranked(hyperparameters: pd.DataFrame, importances: pd.DataFrame) -> list[str]:
    """Hyperparameters by share in deciding NLL, then by how many trials have them."""
    own = importances[(importances["family"] == hyperparameters["family"].iloc[0]) & (importances["target"] == "nll")]
    share = own.set_index("hyperparameter")["share"]
    counts = hyperparameters["hyperparameter"].value_counts(sort=False)
    order = pd.DataFrame({"share": share.reindex(counts.index).fillna(-1.0), "trials": counts})
    return [
        str(hyperparameter)
        for hyperparameter in order.sort_values(["share", "trials"], ascending=False, kind="stable").index
    ]


def _panel(own: pd.DataFrame, hyperparameters: pd.DataFrame, ranked: Sequence[str], look: Look) -> Panel:
    drawn = own if len(own) <= MOST_LINES else own.sample(MOST_LINES, random_state=0)
    finished = drawn["state"] == "finished"
    scales = [_capped(drawn["nll"].where(finished))]
    if drawn["mi"].notna().any():
        scales.append(_numeric("mutual information", drawn["mi"].where(finished), False))
    for hyperparameter in ranked[:MOST_AXES]:
        group = hyperparameters[hyperparameters["hyperparameter"] == hyperparameter]
        scales.append(_scale(hyperparameter, group.set_index("key")["value"].reindex(drawn.index), group))
    note = [f"{finished.sum()} finished and {counted((~finished).sum(), 'stopped trial')}"]
    note += [f"a random {MOST_LINES} of {len(own):,}"] if len(own) > MOST_LINES else []
    note += (
        [f"{len(ranked) - MOST_AXES} less important hyperparameters are not drawn"] if len(ranked) > MOST_AXES else []
    )
    return Panel(_lines(drawn, scales, look), "", "; ".join(note))


def _scale(hyperparameter: str, values: pd.Series, group: pd.DataFrame) -> Scale:
    numeric = group["kind"].iloc[0] == "numeric"
    if numeric and values.nunique() > MOST_LEVELS:
        return _numeric(hyperparameter, values.astype(float), bool(group["log"].iloc[0]))
    levels = sorted(values.dropna().unique())
    places = np.linspace(0, 1, len(levels)) if len(levels) > 1 else np.array([0.5])
    nudge = np.random.default_rng(0).uniform(-0.02, 0.02, len(values))
    at = values.map(dict(zip(levels, places, strict=True))).astype(float) + nudge
    return Scale(hyperparameter, at.clip(0, 1), places.tolist(), [_level(value) for value in levels])


def _level(value: Any) -> str:
    text = value_text(value)
    return text if len(text) <= 12 else f"{text[:11]}…"


def _numeric(name: str, values: pd.Series, log: bool) -> Scale:
    """The middle tick is the middle of the axis, on its own scale."""
    low, high = float(values.min()), float(values.max())
    if not low < high:
        return Scale(name, values.where(values.isna(), 0.5), [0.5], [] if np.isnan(low) else [value_text(low)])
    middle = float(np.sqrt(low * high)) if log else (low + high) / 2
    at = np.log(values / low) / np.log(high / low) if log else (values - low) / (high - low)
    return Scale(name, at, [0.0, 0.5, 1.0], [f"{value:.3g}" for value in (low, middle, high)])


def _capped(nll: pd.Series) -> Scale:
    """NLL with hopeless trials moved to the axis' end, so that they do not press the others together."""
    bound = float(nll.median() + 4 * (nll.median() - nll.min()))
    if not nll.max() > bound > nll.min():
        return _numeric("NLL", nll, False)
    scale = _numeric("NLL", nll.clip(upper=bound), False)
    return scale._replace(words=[*scale.words[:2], f"≥ {scale.words[2]}"])


def _lines(drawn: pd.DataFrame, scales: Sequence[Scale], look: Look) -> Any:
    rank = drawn["nll"].where(drawn["state"] == "finished").rank(pct=True)
    dead = drawn["collapsed"].eq(True).fillna(False).astype(bool)
    classes = [
        (STOPPED, rank.isna(), {"color": MUTED, "width": 1}, 0.35),
        ("worse half", rank > 0.5, {"color": MUTED, "width": 1.2}, 0.55),
        ("second quarter", (rank > 0.25) & (rank <= 0.5), {"color": look.light, "width": 1.3}, 0.45),
        ("best quarter", rank <= 0.25, {"color": look.light, "width": 2.4}, 0.95),
    ]
    solid, dashed = {"dash": "solid"}, {"dash": "dash"}
    traces, entries = [], []
    for name, chosen, line, opacity in classes:
        kinds = [(chosen, {"dash": "dot"})] if name == STOPPED else [(chosen & ~dead, solid), (chosen & dead, dashed)]
        drawn_kinds = [(drawn[which], line | dash) for which, dash in kinds if which.any()]
        traces += [_trace(own, scales, name, style, opacity) for own, style in drawn_kinds]
        entries += [_entry(name, line | kinds[0][1], opacity)] if drawn_kinds else []
    if (dead & rank.notna()).any():
        entries.append(_entry("collapsed", {"color": INK, "width": 1.2, "dash": "dash"}, 1.0))
    return figure([*traces, *entries], ROW * len(scales) + 50, **_layout(scales))


def _entry(name: str, line: Mapping[str, Any], opacity: float) -> dict[str, Any]:
    """A line of the legend, without a place in the picture."""
    shown = {"type": "scatter", "mode": "lines", "x": [None], "y": [None], "showlegend": True}
    return shown | {"name": name, "legendgroup": name, "line": dict(line), "opacity": opacity}


def _trace(
    own: pd.DataFrame, scales: Sequence[Scale], name: str, line: Mapping[str, Any], opacity: float
) -> dict[str, Any]:
    """All lines of one kind as one trace, parted by gaps."""
    table = np.column_stack([scale.places.loc[own.index].to_numpy(dtype=float) for scale in scales])
    hyperparameter = np.array([scale.name not in ("NLL", "mutual information") for scale in scales])
    table = np.where(np.isnan(table) & hyperparameter, ABSENT, table)
    x: npt.NDArray[Any] = np.column_stack([table, np.full(len(own), np.nan)]).ravel()
    y = np.tile([*map(float, range(len(scales))), np.nan], len(own))
    facts = zip(own["configuration"], own["nll"], own["verdict"], own["state"], strict=True)
    words = [f"{c}: NLL {nll:.4g}<br>{escape(str(verdict))}, {state}" for c, nll, verdict, state in facts]
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "legendgroup": name,
        "showlegend": False,
        "x": x,
        "y": y,
        "line": dict(line),
        "opacity": opacity,
        "text": np.repeat(words, len(scales) + 1),
        "hovertemplate": "%{text}<extra></extra>",
    }


def _layout(scales: Sequence[Scale]) -> dict[str, Any]:
    last = len(scales) - 1
    rules = [
        {"type": "line", "x0": 0, "x1": 1, "y0": i, "y1": i, "line": {"color": MUTED, "width": 1}, "layer": "below"}
        for i in range(len(scales))
    ]
    words = [
        note
        for i, scale in enumerate(scales)
        for note in (_text(0, i, f"<b>{escape(scale.name)}</b>", "left", 12), *_tick_words(i, scale))
    ]
    return {
        "xaxis": {"range": [ABSENT - 0.02, 1.03], "visible": False, "fixedrange": True},
        "yaxis": {"range": [last + 0.45, -0.5], "visible": False, "fixedrange": True},
        "shapes": rules,
        "annotations": words,
        "showlegend": True,
        "legend": {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "font": {"size": 11}},
        "margin": {"l": 8, "r": 12, "t": 40, "b": 8},
    }


def _tick_words(row: int, scale: Scale) -> list[dict[str, Any]]:
    anchors = {0.0: "left", 1.0: "right"}
    ticks = zip(scale.ticks, scale.words, strict=False)
    return [_text(at, row, escape(word), anchors.get(at, "center"), -11) for at, word in ticks]


def _text(x: float, row: int, text: str, anchor: str, shift: int) -> dict[str, Any]:
    place = {"x": x, "y": row, "xanchor": anchor, "yanchor": "middle", "yshift": shift, "showarrow": False}
    return place | {"text": text, "font": {"size": 11, "color": INK}, "bgcolor": SHADE, "opacity": 0.9, "borderpad": 1}
