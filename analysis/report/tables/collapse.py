"""Tables of the page about where and when collapse begins."""

import pandas as pd

from uncollapse.analysis.findings import Findings
from uncollapse.analysis.report.tables.cells import (
    Cell,
    Column,
    Grid,
    Row,
    family_column,
    figure_column,
    grid,
    interval_column,
    sort_value,
    text_column,
)
from uncollapse.analysis.report.wording import percent, percent_range


def crossings(found: Findings) -> Grid:
    """Where the fitted probability of collapse crosses one half, per hyperparameter."""
    columns: list[Column] = [
        family_column(),
        text_column("hyperparameter", "hyperparameter"),
        ("collapse", "towards which end of the hyperparameter the fitted probability grows", _direction),
        interval_column("crosses 1/2 at", "crossing", "low", "high", 3, "values whose 95 % band holds one half"),
        *(figure_column(name, name, 0) for name in ("trials", "collapsed", "audit", "stopped")),
        text_column("remark", "note"),
    ]
    return grid(found.boundary.crossings, columns)


def _direction(row: Row) -> Cell:
    return Cell({"rises": "rises with it", "falls": "falls with it"}.get(row["direction"], "–"), str(row["direction"]))


def fates(found: Findings) -> Grid:
    """What became of every trial's code."""
    names = ("trials", "collapsed", "censored", "never alive", "not recorded")
    columns: list[Column] = [
        family_column(),
        text_column("trials of", "population"),
        *(figure_column(name, name, 0) for name in names),
        figure_column("median epochs alive", "median", 0, "Kaplan-Meier, from the first epoch alive"),
        text_column("remark", "note"),
    ]
    return grid(found.lifetime.fates, columns)


def hidden(found: Findings) -> Grid:
    """What a verdict at the epochs of stopping would have got wrong, by the audit share."""
    columns: list[Column] = [
        family_column(),
        figure_column("epoch", "epoch", 0, "at which other trials were stopped"),
        figure_column("stopped there", "stopped", 0),
        figure_column("audit trials", "audit", 0, "never stopped, with a record there and a final verdict"),
        _share("looked collapsed, recovered", "recovered", "looked_collapsed"),
        _share("looked alive, collapsed later", "collapsed_later", "looked_alive", "later"),
        text_column("remark", "note"),
    ]
    return grid(found.lifetime.hidden, columns)


def _share(header: str, count: str, among: str, prefix: str = "") -> Column:
    stem = prefix or count

    def make(row: Row) -> Cell:
        if not row[among] or pd.isna(row[f"{stem}_share"]):
            return Cell("–")
        bounds = percent_range(row[f"{stem}_low"], row[f"{stem}_high"])
        text = f"{int(row[count])}/{int(row[among])} = {percent(row[f'{stem}_share'])} ({bounds})"
        return Cell(text, sort_value(row[f"{stem}_share"]))

    return header, "with Wilson 95 %, exact where none or all", make
