"""A table as plain text: aligned columns for a terminal, or Markdown."""

from collections.abc import Sequence

Rows = Sequence[Sequence[str]]


def aligned(rows: Rows, words: int | None = None) -> str:
    """Cells in columns, two spaces apart; the last cell of a shorter row may be longer than its column.

    words: columns from the left that hold words; the others hold figures and end in line. None: all hold words.
    """
    columns = max(map(len, rows))
    whole = [row if len(row) == columns else row[:-1] for row in rows]
    widths = [max(len(row[at]) for row in whole if at < len(row)) for at in range(columns)]
    left = columns if words is None else words
    return "\n".join(_line(row, widths, left) for row in rows)


def _line(row: Sequence[str], widths: Sequence[int], left: int) -> str:
    cells = zip(row, widths, strict=False)
    return "  ".join(
        cell.ljust(width) if at < left else cell.rjust(width) for at, (cell, width) in enumerate(cells)
    ).rstrip()


def markdown_table(rows: Rows) -> str:
    """The rows, the first being the heads, as a Markdown table."""
    heads, *others = rows
    return "\n".join(map(_markdown_row, [heads, ["---"] * len(heads), *others]))


def _markdown_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
