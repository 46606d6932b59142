"""Where trials stand along each hyperparameter: replicated configurations with bands over seeds, search trials as
single dots.

Both on the fixed subset that search trials are measured on, so that one axis holds them: replicate trials are measured
on it too. Search trials are chosen adaptively; only the bands show what other seeds make of the same configurations.
"""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from uncollapse.analysis.hyperparameters.response import TIDY_COLUMNS, tidy, typed
from uncollapse.analysis.schema import LIKELIHOODS
from uncollapse.analysis.tables import PARAM, numbers

SUBSET = "subset"
MEASURED = ("nll", "mi")
COLUMNS = [
    "family",
    "hyperparameter",
    "stage",
    "configuration",
    "key",
    "value",
    "kind",
    "log",
    "nll_estimator",
    "planned",
    "seeds",
    *(f"{name}{end}" for name in MEASURED for end in ("", "_low", "_high")),
    "state",
    "note",
]


def slices(judged: pd.DataFrame, table: pd.DataFrame | None = None) -> pd.DataFrame:
    """One row per hyperparameter and search trial, and one per hyperparameter and replicated configuration.

    nll, mi: a search trial's figure, or a configuration's median over its seeds, in nats on the search's subset.
    nll_low to mi_high: the smallest and the largest seed; NaN for search trials and for a single seed.
    planned, seeds: the seeds a configuration was given and those with a figure (1 and 0 or 1 for search trials).
    kind, log: as in `analysis.hyperparameters.response.tidy`, whose rows `table` may hold. Hyperparameters that the
        search did not vary are left
    out. note: why a configuration has no band.
    """
    table = tidy(judged) if table is None else table
    tables = [t for t in (_search(table), *_replicates(judged, table)) if len(t)]
    return pd.concat(tables or [pd.DataFrame(columns=COLUMNS)], ignore_index=True).reindex(columns=COLUMNS)


def _search(table: pd.DataFrame) -> pd.DataFrame:
    rows = table.reindex(columns=TIDY_COLUMNS).drop(columns=["collapsed", "verdict", "audit", "number"])
    return rows.assign(stage="search", planned=1, seeds=rows[list(MEASURED)].notna().any(axis=1).astype(int), note="")


def _replicates(judged: pd.DataFrame, table: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """A table per family and hyperparameter, one row per configuration."""
    replicates = judged[judged["stage"] == "replicate"]
    bands = _bands(replicates)
    configurations = replicates.drop_duplicates(["family", "configuration"]).set_index(["family", "configuration"])
    for (family, hyperparameter), known in table.groupby(["family", "hyperparameter"], sort=False):
        column = f"{PARAM}{hyperparameter}"
        if column in configurations and len(
            own := configurations.loc[configurations.index.get_level_values(0) == family, column].dropna()
        ):
            kind = str(known["kind"].iloc[0])
            values = own.map(str) if kind == "categorical" else typed(own)[0]
            facts = {
                "hyperparameter": hyperparameter,
                "stage": "replicate",
                "kind": kind,
                "log": bool(known["log"].iloc[0]),
            }
            yield bands.loc[own.index].assign(value=values.astype(object), **facts).reset_index()


def _bands(replicates: pd.DataFrame) -> pd.DataFrame:
    """Median and range over seeds per configuration, with their number and a note."""
    likelihoods = pd.DataFrame({name: numbers(replicates, f"{SUBSET}/{name}") for name in LIKELIHOODS})
    estimator = likelihoods.notna().idxmax(axis=1).where(likelihoods.notna().any(axis=1))
    figures = replicates[["family", "configuration"]].assign(
        nll=likelihoods.bfill(axis=1).iloc[:, 0], mi=numbers(replicates, f"{SUBSET}/mi"), nll_estimator=estimator
    )
    groups = figures.groupby(["family", "configuration"], sort=False)
    seeds = groups[list(MEASURED)].count().max(axis=1)
    columns: dict[str, Any] = {
        "planned": groups.size(),
        "seeds": seeds,
        "nll_estimator": groups["nll_estimator"].first(),
    }
    for name in MEASURED:
        several = groups[name].count() > 1
        columns |= {name: groups[name].median()}
        columns |= {f"{name}_low": groups[name].min().where(several), f"{name}_high": groups[name].max().where(several)}
    return pd.DataFrame(columns).assign(note=seeds.map(_note), state="", key="")


def _note(seeds: int) -> str:
    if seeds == 0:
        return "no seed has a figure on the search's subset"
    return "one seed: no band" if seeds == 1 else ""
