"""Ways of doing the same work, run in turn in one process; ratios of each turn, a table, a file.

Machines are shared, so what is counted is the processor's time of this process, on one thread, and not the clock's.
"""

import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from tests.benchmarks import machine

Way = Callable[[], object]
Row = Mapping[str, Any]


def seconds(way: Way) -> float:
    """Of the processor, for one run."""
    started = time.process_time()
    way()
    return time.process_time() - started


def in_turn(ways: Mapping[str, Way], turns: int) -> dict[str, list[float]]:
    """Seconds of every way in every turn, after one turn that is not counted."""
    for way in ways.values():
        way()
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(turns):
        for name, way in ways.items():
            found[name].append(seconds(way))
    return found


def ratio(over: Sequence[float], under: Sequence[float]) -> tuple[float, float, float]:
    """Median, least and largest over / under of the turns."""
    found = sorted(a / b for a, b in zip(over, under, strict=True))
    return statistics.median(found), found[0], found[-1]


def shown(found: tuple[float, float, float] | None) -> str:
    return "" if found is None else f"{found[0]:.2f} ({found[1]:.2f}-{found[2]:.2f})"


def table(rows: Sequence[Row]) -> str:
    """Aligned columns, a row a line."""
    names = list(rows[0])
    cells = [names, *([str(row[name]) for name in names] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(names))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in cells)


def one_thread() -> str:
    """Keep torch on one thread; returns what the machine is."""
    torch.set_num_threads(1)
    return f"{machine.here()}; one thread, torch {torch.__version__}"


def tell(where: str, rows: Sequence[Row], path: Path | None) -> None:
    """Print the table and write it to `path` as JSON."""
    print(f"{where}; ratios are medians of turns, least and largest beside them\n{table(rows)}")
    if path is not None:
        path.write_text(json.dumps({"machine": where, "rows": list(rows)}, indent=1) + "\n")
