"""How a figure stands in a text: with fixed digits, as per cent, with its interval, before its noun."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from uncollapse.analysis.statistics.intervals import LEVEL, proportion

NOTHING = "–"


def number(value: Any, digits: int) -> str:
    """A figure with fixed digits, a dash where there is none."""
    return NOTHING if value is None or pd.isna(value) else minus(f"{value:.{digits}f}")


def signed(value: float, digits: int) -> str:
    """A figure with fixed digits and its sign, also where it is positive."""
    return minus(f"{value:+.{digits}f}")


def minus(text: str) -> str:
    """The text with a minus sign for every hyphen."""
    return text.replace("-", "−")


def percent(share: float) -> str:
    """A share as whole per cent; never 0 % or 100 % unless it is exactly that."""
    if 0 < share < 0.005:
        return "<1 %"
    if 0.995 < share < 1:
        return ">99 %"
    return f"{100 * share:.0f} %"


def percent_range(low: float, high: float) -> str:
    """`40–89 %`, `64 to >99 %`; one figure where both ends round to the same."""
    first, last = percent(low), percent(high)
    if first == last:
        return first
    return f"{first.removesuffix(' %')}{'–' if last[0].isdigit() else ' to '}{last}"


def share_text(k: int, n: int, level: float = LEVEL) -> str:
    """k of n in words: with its interval, or with what 0 of n and n of n still leave possible."""
    if n == 0:
        return "none could be judged"
    low, high = proportion(k, n, level)
    if k == 0:
        return f"0 of {n}; still compatible with {percent(float(high))}"
    if k == n:
        return f"{n} of {n}; still compatible with {percent(float(low))}"
    return f"{k} of {n} ({percent(k / n)}, Wilson {percent(level)} {percent_range(float(low), float(high))})"


def collapsed_text(row: Mapping[str, Any]) -> str:
    """`2/10 (6–51 %)`; a dash where no seed could be judged."""
    if not row["judged"]:
        return NOTHING
    return f"{row['collapsed']}/{row['judged']} ({percent_range(row['wilson_low'], row['wilson_high'])})"


def listed(parts: Iterable[Any], most: int | None = None) -> str:
    """`a, b and c`; past `most`, how many more there are."""
    names = [str(part) for part in parts]
    more = [f"{len(names) - most} more"] if most is not None and len(names) > most else []
    *rest, last = [*names[:most], *more] or [""]
    return f"{', '.join(rest)} and {last}" if rest else last
