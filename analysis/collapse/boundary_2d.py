"""Where collapse begins over pairs of searched hyperparameters, over search trials."""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import pandas as pd

from uncollapse.analysis.collapse.boundary import COUNTS, FEWEST, counts, grid, one_sided, scaled, searched, trained
from uncollapse.analysis.counted import counted
from uncollapse.analysis.statistics.firth_logistic import Array, band, firth
from uncollapse.analysis.statistics.intervals import LEVEL
from uncollapse.analysis.tables import stacked

Pattern = tuple[str, str]

WEIGHT, SPAN = "objective.kl*.value", "objective.kl*.span"
PAIRS: tuple[Pattern, ...] = (
    (WEIGHT, SPAN),
    ("latent.kappa", "latent.size"),
    ("latent.prior_scale", WEIGHT),
    ("latent.alpha", "latent.beta"),
)
POINTS = 21
AXES = ("x", "y")
PAIR = ["family", "x_hyperparameter", "y_hyperparameter"]
MAP_COLUMNS = [*PAIR, "x_log", "y_log", "x", "y", "probability", "low", "high", *COUNTS, "note"]
POINT_COLUMNS = [*PAIR, "x", "y", "x_log", "y_log", "collapsed", "state", "audit", "key", "configuration", "number"]
_FACTS = ["key", "configuration", "number", "state", "audit", "collapsed"]


def pair_points(judged: pd.DataFrame, pairs: Sequence[Pattern] = PAIRS) -> pd.DataFrame:
    """Search trials with a verdict at their values of two hyperparameters, stopped ones included; a row a trial and
    pair.

    A pair is two shell patterns of hyperparameter names, taken where a family has both. Hyperparameters of several
    annealing kinds are one, `objective.kl.z.*.value`, so that a weight meets the span of its own trial; two
    hyperparameters below `objective` pair only within one term. A kind without a span, as constant and logistic, has
    no place on such a map.
    """
    tables = [pd.DataFrame(columns=POINT_COLUMNS)]
    for family, table in searched(judged, fewest=1):
        for first, second in _matches(table["hyperparameter"].unique().tolist(), pairs):
            points = _joined(table, first, second).assign(
                family=family, x_hyperparameter=first, y_hyperparameter=second
            )
            tables.append(points[POINT_COLUMNS])
    filled = [t for t in tables if len(t)]
    return pd.concat(filled or tables[:1], ignore_index=True)


def _matches(names: list[str], pairs: Sequence[Pattern]) -> Iterator[tuple[str, str]]:
    whole = [name for name in names if not _is_branch(name, names)]
    for left, right in pairs:
        for first in (name for name in whole if fnmatchcase(name, left)):
            for second in (name for name in whole if fnmatchcase(name, right)):
                if first != second and len({_term(first), _term(second)} - {""}) < 2:
                    yield first, second


def _is_branch(name: str, names: list[str]) -> bool:
    path, _, leaf = name.rpartition(".")
    return not path.endswith("*") and f"{path.rpartition('.')[0]}.*.{leaf}" in names


def _term(name: str) -> str:
    """`objective.kl.z` of `objective.kl.z.*.value`; empty for hyperparameters elsewhere."""
    return name.rpartition(".")[0].removesuffix(".*") if name.startswith("objective.") else ""


def _joined(table: pd.DataFrame, first: str, second: str) -> pd.DataFrame:
    facts = table[table["hyperparameter"] == first][[*_FACTS, "value", "log"]].rename(
        columns={"value": "x", "log": "x_log"}
    )
    other = table[table["hyperparameter"] == second][["key", "value", "log"]].rename(
        columns={"value": "y", "log": "y_log"}
    )
    joined = facts.merge(other.drop_duplicates("key"), on="key")
    return joined.astype({"x": float, "y": float, "x_log": bool, "y_log": bool})


def boundary_pairs(
    judged: pd.DataFrame, pairs: Sequence[Pattern] = PAIRS, points: int = POINTS, level: float = LEVEL
) -> pd.DataFrame:
    """The fitted probability of collapse on a grid of two hyperparameters' values, with a pointwise band.

    Firth's logistic regression on 1, x, y and xy (without xy where the trials cannot tell it), each hyperparameter
    scaled, in its logarithm where `response.tidy` says so; so the line at 1/2 is a hyperbola or straight, never
    closed. Fitted to the same trials as `boundary.boundary`, with the same caution: an adaptive search, and of the
    stopped trials none. Pairs as in `pair_points`. The grid spans the fitted trials' values; its corners may lie far
    from any trial.

    Columns: `MAP_COLUMNS`, a row a grid point; a pair without a fit has one row, without values, and a note. Coverage
    of a 95 % band, pointwise, by simulation with 100 trials: 95 to 97 %.
    """
    tables = []
    for names, group in pair_points(judged, pairs).groupby(PAIR, sort=False):
        fitted = _surface(group, points, level)
        facts = dict(zip(PAIR, names, strict=True)) | counts(group)
        tables.append(fitted.assign(**facts).reindex(columns=MAP_COLUMNS))
    return stacked(tables, MAP_COLUMNS)


def _surface(group: pd.DataFrame, points: int, level: float) -> pd.DataFrame:
    own = group[trained(group)]
    if len(own) < FEWEST:
        return pd.DataFrame(
            [{"note": f"{counted(len(own), 'trial')} trained to their end: {FEWEST} are needed for a map"}]
        )
    if own["x"].nunique() < 2 or own["y"].nunique() < 2:
        return pd.DataFrame([{"note": "one of the two hyperparameters has one value only"}])
    ends = {name: (float(own[name].min()), float(own[name].max())) for name in AXES}
    logs = {name: bool(own[f"{name}_log"].iloc[0]) for name in AXES}
    mesh = np.meshgrid(*(grid(ends[name], logs[name], points) for name in AXES))
    at = {name: values.ravel() for name, values in zip(AXES, mesh, strict=True)}
    design, wanted = (design_of(*(scaled(place[n], ends[n], logs[n]) for n in AXES)) for place in (_arrays(own), at))
    terms = next((n for n in (4, 3) if np.linalg.matrix_rank(design[:, :n]) == n), 0)
    if terms == 0:
        return pd.DataFrame([{"note": "the two hyperparameters move together: their effects cannot be told apart"}])
    outcome = own["collapsed"].to_numpy(dtype=float)
    curve = band(firth(design[:, :terms], outcome), wanted[:, :terms], level)
    facts: dict[str, Any] = {"x_log": logs["x"], "y_log": logs["y"], "note": one_sided(outcome)}
    return pd.DataFrame(facts | at | curve._asdict())


def _arrays(own: pd.DataFrame) -> dict[str, Array]:
    return {name: own[name].to_numpy(dtype=float) for name in AXES}


def design_of(x: Array, y: Array) -> Array:
    """(N,) and (N,) to (N, 4): 1, x, y and xy."""
    return np.column_stack([np.ones_like(x), x, y, x * y])
