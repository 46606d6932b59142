"""Tables of the page about what the search saw."""

import pandas as pd

from analysis.cells import (
    Cell,
    Column,
    Grid,
    Row,
    family_column,
    figure_column,
    grid,
    interval_column,
    share_figure_column,
    sort_value,
    text_column,
)
from analysis.findings import Findings
from analysis.intervals import percent, percent_range


def importances(found: Findings) -> Grid:
    """The share of the outcome's variation that each knob carries."""
    columns: list[Column] = [
        family_column(),
        text_column("of", "target"),
        text_column("knob", "knob"),
        text_column("set where", "branch"),
        ("importance", "share of the variation, with its 95 % interval over half-samples", _importance),
        share_figure_column("a random knob", "chance", "the largest share among made-up random knobs"),
        figure_column("trials", "trials", 0),
        text_column("evaluator", "evaluator"),
        text_column("remark", "note"),
    ]
    return grid(found.search.importances, columns)


def _importance(row: Row) -> Cell:
    if pd.isna(row["share"]):
        return Cell("–")
    bounds = f" ({percent_range(row['low'], row['high'])})" if pd.notna(row["low"]) else ""
    return Cell(percent(row["share"]) + bounds, sort_value(row["share"]))


def correlations(found: Findings) -> Grid:
    """Rank correlations of numeric knobs."""
    columns: list[Column] = [
        family_column(),
        text_column("knob", "knob"),
        text_column("with", "measure"),
        figure_column("trials", "trials", 0),
        figure_column("of them stopped", "stopped", 0),
        interval_column("Spearman (95 %)", "spearman", "low", "high", 2, "bootstrap interval"),
        text_column("remark", "note"),
    ]
    return grid(found.search.correlations[found.search.correlations["trials"] > 0], columns)
