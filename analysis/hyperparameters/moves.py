"""Which hyperparameters a family's search says to move, so that its code is used more."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from uncollapse.analysis.counted import counted
from uncollapse.analysis.hyperparameters.response import bootstrapped, typed
from uncollapse.analysis.tables import PARAM

MOST = 3


def moves(response: pd.DataFrame, family: str, start: Mapping[Any, Any] | pd.Series) -> list[str]:
    """What to move from where: `optimizer.lr down from 0.05: mi rises (Spearman -0.71, 95 % -0.9 to -0.4, 24 trials)`.

    At most three numeric hyperparameters, those that are told apart from no correlation with the mutual information by
    their bootstrap interval, the strongest first. The search's trials describe what it visited, not every other.

    Args:
        response: tidy table of `hyperparameters.response`.
        family: whose search.
        start: `param.` columns of the configuration from which to move.
    """
    return [text for _, text in sorted(_told_apart(response, family, start), key=lambda pair: -pair[0])[:MOST]]


def _told_apart(
    response: pd.DataFrame, family: str, start: Mapping[Any, Any] | pd.Series
) -> Iterator[tuple[float, str]]:
    """(strength, sentence) of every hyperparameter that mi follows one way."""
    own = response[(response["family"] == family) & (response["kind"] == "numeric")]
    for name, group in own.groupby("hyperparameter", sort=False):
        found = bootstrapped(group, "mi")
        known = found.get("low") is not None and found["low"] * found["high"] > 0
        if known:
            yield abs(found["spearman"]), _sentence(str(name), group, found, start.get(f"{PARAM}{name}"))


def _sentence(name: str, group: pd.DataFrame, found: Mapping[str, Any], value: Any) -> str:
    way = "up" if found["spearman"] > 0 else "down"
    ends = f"Spearman {found['spearman']:.2f}, 95 % {found['low']:.2f} to {found['high']:.2f}"
    return f"{name} {way}{_from(value)}: mi rises ({ends}, {counted(found['trials'], 'trial')}{_living(group)})"


def _from(value: Any) -> str:
    numeric, kind = typed(pd.Series([value])) if value is not None and pd.notna(value) else (None, "")
    return f" from {numeric.iloc[0]:.3g}" if numeric is not None and kind == "numeric" else ""


def _living(group: pd.DataFrame) -> str:
    """Where the trials that did not collapse lay."""
    alive = group[group["collapsed"] == 0]["value"].astype(float)
    if alive.empty:
        return ", none of them alive"
    ends = f"{alive.min():.3g} to {alive.max():.3g}" if alive.min() < alive.max() else f"{alive.min():.3g}"
    return f", the {len(alive)} alive at {ends}" if len(alive) > 1 else f", the one alive at {ends}"
