"""Tables of the page about what the search saw."""

from uncollapse.analysis.findings import Findings
from uncollapse.analysis.report.tables.cells import (
    Column,
    Grid,
    family_column,
    figure_column,
    grid,
    interval_column,
    share_figure_column,
    share_interval_column,
    text_column,
)


def importances(found: Findings) -> Grid:
    """The share of the outcome's variation that each hyperparameter carries."""
    columns: list[Column] = [
        family_column(),
        text_column("of", "target"),
        text_column("hyperparameter", "hyperparameter"),
        text_column("set where", "branch"),
        share_interval_column("importance", "share", "low", "high", "share of the variation; 95 % over half-samples"),
        share_figure_column(
            "a random hyperparameter", "chance", "the largest share among made-up random hyperparameters"
        ),
        figure_column("trials", "trials", 0),
        text_column("evaluator", "evaluator"),
        text_column("remark", "note"),
    ]
    return grid(found.search.importances, columns)


def correlations(found: Findings) -> Grid:
    """Rank correlations of numeric hyperparameters."""
    columns: list[Column] = [
        family_column(),
        text_column("hyperparameter", "hyperparameter"),
        text_column("with", "measure"),
        figure_column("trials", "trials", 0),
        figure_column("of them stopped", "stopped", 0),
        interval_column("Spearman (95 %)", "spearman", "low", "high", 2, "bootstrap interval"),
        text_column("remark", "note"),
    ]
    return grid(found.search.correlations[found.search.correlations["trials"] > 0], columns)
