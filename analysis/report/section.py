"""What a report consists of: sections of figures and tables, each entered once for the page and for the files."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pandas as pd

from uncollapse.analysis.findings import Findings
from uncollapse.analysis.report.figures.style import Look, Picture
from uncollapse.analysis.report.tables.cells import Grid


@dataclass(frozen=True)
class Figure:
    """A figure of the page: its name, which is its anchor too, and how it is drawn."""

    kind: ClassVar[str] = "figure"
    name: str
    draw: Callable[[Findings, Mapping[str, Look]], Picture]


@dataclass(frozen=True)
class Table:
    """A table of the findings: a CSV file, a field of `summary.json` and a table of the page, all under one name.

    says: what the field of the summary is; "" keeps it out, as trials and epochs, which are too many.
    data: its rows; None where another table's file holds them.
    cells: how the page shows it; None where it does not.
    empty: the sentence in its place where it has no rows; "": nothing does.
    heading, how: what stands above it.
    records: what the summary holds where that is more than `data`.
    """

    kind: ClassVar[str] = "table"
    name: str
    says: str = ""
    data: Callable[[Findings], pd.DataFrame] | None = None
    cells: Callable[[Findings], Grid] | None = None
    empty: str = ""
    heading: str = ""
    how: str = ""
    records: Callable[[Findings], Sequence[Mapping[str, Any]]] | None = None

    def rows(self, found: Findings) -> Any:
        """What the summary holds of it."""
        made = self.records or self.data
        return made(found) if made else []


@dataclass(frozen=True)
class Fold:
    """Tables that a reader opens; open from the start where they have rows, but at most `open_to`.

    title: what is clicked; `{rows}` in it stands for their number.
    """

    kind: ClassVar[str] = "fold"
    title: str
    tables: Sequence[Table]
    open_to: int = 0

    def rows(self, grids: Mapping[str, Grid]) -> int:
        """How many rows its tables have on the page."""
        return sum(len(grids[table.name].rows) for table in self.tables)


@dataclass(frozen=True)
class Section:
    """A topic of the report with its parts in reading order.

    `templates/<anchor>.html`, where there is one, stands before the parts.

    link: the topic's name in the page's navigation.
    present: whether a study has it.
    """

    anchor: str
    title: str
    link: str
    parts: Sequence[Figure | Table | Fold] = ()
    present: Callable[[Findings], bool] = lambda _: True

    @property
    def tables(self) -> Iterator[Table]:
        for part in self.parts:
            if isinstance(part, Fold):
                yield from part.tables
            elif isinstance(part, Table):
                yield part

    @property
    def figures(self) -> Iterator[Figure]:
        return (part for part in self.parts if isinstance(part, Figure))
