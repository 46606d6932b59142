"""A table of the page as cells: what is shown, what a click sorts by, and how a column is made."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from uncollapse.analysis.report.wording import number, percent, percent_range

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Cell:
    """Shown text, sort value (None sorts last), and for a share its bar (low, share, high)."""

    text: str
    sort: str | float | None = None
    bar: tuple[float, float, float] | None = None
    family: str = ""
    parts: Sequence[str] = ()
    prose: bool = False  # sentences, which wrap


@dataclass(frozen=True)
class Grid:
    """A table: headers with an explanation each, rows of cells."""

    headers: Sequence[tuple[str, str]]
    rows: Sequence[Sequence[Cell]] = field(default_factory=tuple)

    @cached_property
    def numeric(self) -> list[bool]:
        """Whether each column holds plain numbers, which stand better aligned to the right."""
        return [_plain([row[column] for row in self.rows]) for column in range(len(self.headers))]


def _plain(cells: Sequence[Cell]) -> bool:
    return not any(c.bar or isinstance(c.sort, str) for c in cells) and any(c.sort is not None for c in cells)


Column = tuple[str, str, Callable[[Row], Cell]]


def grid(table: pd.DataFrame, columns: Iterable[Column]) -> Grid:
    """A grid from a table and its columns (header, explanation, row -> cell); columns without any text are left out."""
    columns = list(columns)
    rows = [[make(row) for _, _, make in columns] for row in table.to_dict("records")]
    kept = [i for i in range(len(columns)) if any(row[i].text for row in rows)]
    return Grid([columns[i][:2] for i in kept], [[row[i] for i in kept] for row in rows])


def figure_column(header: str, key: str, digits: int, hint: str = "") -> Column:
    """A plain number."""
    return header, hint, lambda row: Cell(number(row[key], digits), sort_value(row[key]))


def text_column(header: str, key: str, hint: str = "") -> Column:
    """A plain word."""
    return header, hint, lambda row: Cell("" if pd.isna(row[key]) else str(row[key]), str(row[key]))


def sentence_column(header: str, key: str, hint: str = "") -> Column:
    """Sentences, which wrap."""
    return header, hint, lambda row: Cell(str(row[key]), str(row[key]), prose=True)


def settings_column() -> Column:
    """The searched hyperparameters, one part each so that they wrap between and not within."""
    return "hyperparameters", "", lambda row: Cell(row["settings"], row["settings"], parts=row["settings"].split(", "))


def family_column() -> Column:
    """The family in its colour."""
    return "family", "", lambda row: Cell(row["family"], row["family"], family=row["family"])


def share_column(header: str, low: str, high: str, hint: str, words: Callable[[Row], str]) -> Column:
    """A share with its interval as a small bar."""

    def make(row: Row) -> Cell:
        if pd.isna(row["share"]):
            return Cell("–", None)
        return Cell(
            words(row), float(row["share"]), (float(row[low]), float(row["share"]), float(row[high])), row["family"]
        )

    return header, hint, make


def share_figure_column(header: str, key: str, hint: str) -> Column:
    """A share as per cent."""
    return header, hint, lambda row: Cell("–" if pd.isna(row[key]) else percent(row[key]), sort_value(row[key]))


def share_interval_column(header: str, key: str, low: str, high: str, hint: str) -> Column:
    """A share as per cent with its interval, where there is one."""

    def make(row: Row) -> Cell:
        if pd.isna(row[key]):
            return Cell("–")
        bounds = f" ({percent_range(row[low], row[high])})" if pd.notna(row[low]) else ""
        return Cell(percent(row[key]) + bounds, sort_value(row[key]))

    return header, hint, make


def sort_value(value: Any) -> float | None:
    """What a number sorts by; nothing where it is absent."""
    return None if pd.isna(value) else float(value)


def interval_column(header: str, key: str, low: str, high: str, digits: int, hint: str) -> Column:
    """A figure with its interval, where there is one."""

    def make(row: Row) -> Cell:
        known = pd.notna(row[low])
        shown = f" ({number(row[low], digits)}–{number(row[high], digits)})" if known else ""
        return Cell(number(row[key], digits) + shown, sort_value(row[key]))

    return header, hint, make
