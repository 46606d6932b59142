"""The page's own settings against what the search found, on the same confirmation seeds."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from uncollapse.analysis.schema import BASE

MEASURES = ("nll", "mi", "latent_gain")
PARTS = ("difference", "low", "high", "level", "seeds")
FIGURES = ("nll", "mi", "collapsed", "judged", "wilson_low", "wilson_high")
COLUMNS = [
    "family",
    "base",
    *(f"base_{name}" for name in FIGURES),
    "found",
    "role",
    *(f"found_{name}" for name in FIGURES),
    *(f"{name}_{part}" for name in MEASURES for part in PARTS),
    "collapse_difference",
    "collapse_low",
    "collapse_high",
    "note",
]
ITSELF = "the best that was confirmed is the page's own base"
ALONE = "nothing but the base is confirmed"


def published(table: pd.DataFrame, differences: pd.DataFrame, collapse_tests: pd.DataFrame) -> pd.DataFrame:
    """One row per family whose base is confirmed: the base, the best beside it, and found minus base.

    `found` is the configuration of the best rank that is not the base. It was chosen among those that are confirmed on
    these seeds, so it is flattered a little; the base was chosen by nobody. Differences are medians over shared seeds
    with the interval of `paired.differences`; that of collapse shares is of `paired.collapse_test`.

    Args:
        table: `comparison.configurations`.
        differences, collapse_tests: of `comparison.paired`.
    """
    families = [own for _, own in table.groupby("family", sort=False) if _is_base(own).any()]
    return pd.DataFrame([_row(own, differences, collapse_tests) for own in families], columns=COLUMNS)


def _is_base(own: pd.DataFrame) -> pd.Series:
    return own["role"].astype(str).str.split("+").map(lambda roles: BASE in roles)


def _row(own: pd.DataFrame, differences: pd.DataFrame, collapse_tests: pd.DataFrame) -> dict[str, Any]:
    base, others = own[_is_base(own)].iloc[0], own[~_is_base(own)]
    row = {"family": base["family"], "base": base["configuration"], "found": "", "role": "", "note": ALONE}
    row |= {f"base_{name}": base[name] for name in FIGURES}
    if others.empty:
        return row
    found = others.sort_values("rank", na_position="last", kind="stable").iloc[0]
    first = own.loc[own["rank"] == 1, "configuration"].isin([base["configuration"]]).any()
    row |= {"found": found["configuration"], "role": found["role"], "note": ITSELF if first else ""}
    row |= {f"found_{name}": found[name] for name in FIGURES}
    for name in MEASURES:
        of_measure = differences[differences["measure"] == name]
        row |= {f"{name}_{part}": value for part, value in _between(found, base, of_measure, "median")}
    collapse = _between(found, base, collapse_tests, "difference")
    return row | {f"collapse_{part}": value for part, value in collapse if part in PARTS[:3]}


def _between(found: pd.Series, base: pd.Series, pairs: pd.DataFrame, figure: str) -> Iterator[tuple[str, Any]]:
    """found minus base of one measure: what the pairs have of `PARTS`; `figure` is their name of the difference."""
    own = pairs[(pairs["scope"] == "configurations") & (pairs["family_a"] == base["family"])]
    for a, b, sign in ((found, base, 1), (base, found, -1)):
        match = own[(own["configuration_a"] == a["configuration"]) & (own["configuration_b"] == b["configuration"])]
        for _, pair in match.iterrows():
            low, high = sorted((sign * pair["low"], sign * pair["high"]))
            yield from zip(PARTS, (sign * pair[figure], low, high), strict=False)
            yield from ((name, pair[name]) for name in PARTS[3:] if name in pair)
