"""A study's records from MLflow alone, whether a server or a database; no ledger is needed.

A database is asked for whole histories at once, by the five tables that MLflow keeps runs in. A server is asked by the
request that its own page uses for many runs, and by `get_metric_history`, one run and measure at a time, where it
does not know that request. All three ways give the same tables.
"""

import json
from collections.abc import Sequence
from itertools import islice
from typing import Any

import pandas as pd

from uncollapse.analysis.mlflow_runs.artifacts import Files
from uncollapse.analysis.mlflow_runs.sources import Run, Source, source
from uncollapse.analysis.mlflow_runs.tables import tables, trial_runs, wide
from uncollapse.analysis.schema import FINISHED, REPLICATE, Records

FACTS = "facts.json"
AT_ONCE = 100  # runs whose values are asked for together


def records(tracking_uri: str, experiment: str) -> Records:
    """A study's trials, curves, texts and facts from the runs of its experiment.

    The tables are those of the ledger (see `analysis.schema`), but for trials that never ran: MLflow has none of them.
    Searched hyperparameters come from the tag `uncollapse.params`. Runs without it, of an earlier version, get a
    `param.` column for every hyperparameter that differs between a family's search trials, and no `replicate` number.
    Texts are fetched when they are asked for. Facts are the study run's `facts.json`; without it, what its trials tell.

    Args:
        tracking_uri: of a server or a database, as for MLflow; of SQLite the file must be there.
        experiment: the study's name.

    Raises:
        ValueError: there is no such database or experiment.
    """
    place = source(tracking_uri)
    known = place.experiments()
    if experiment not in known:
        there = ", ".join(sorted(known)) or "none"
        raise ValueError(
            f"A study is read from the MLflow experiment of its name; {tracking_uri} has no {experiment!r} "
            f"(there: {there}); check the name and the tracking address."
        )
    every = place.runs(known[experiment])
    runs = trial_runs(every)
    trials, curves = tables(runs, _histories(place, runs))
    texts = {run.tag("key"): Files(tracking_uri, run) for run in runs if _leaves_texts(run)}
    own = [Files(tracking_uri, run) for run in every if run.tag("kind") == "study"]
    facts = json.loads(own[0][FACTS]) if own and FACTS in own[0] else _told(experiment, runs, trials)
    return Records(facts, trials, curves, texts)


def _leaves_texts(run: Run) -> bool:
    return run.tag("stage") == REPLICATE and run.tag("state") == FINISHED


def _told(name: str, runs: Sequence[Run], trials: pd.DataFrame) -> dict[str, Any]:
    """The facts that the trials of a study tell."""
    if not runs:
        return {"name": name}
    first, *_ = by_time = sorted(runs, key=lambda run: run.started)
    families = list(dict.fromkeys(run.tag("family") for run in by_time))
    facts = {"name": name, "families": families, "epochs": int(trials["epochs"].max())}
    return facts | {"code_version": first.tag("code"), "corpus": {"digest": first.tag("corpus")}}


def _histories(place: Source, runs: Sequence[Run]) -> pd.DataFrame:
    """A row a run and epoch: `run` (its place), `epoch` and a column a measure."""
    places, rest = {run.id: place for place, run in enumerate(runs)}, iter(runs)
    parts = []
    while some := list(islice(rest, AT_ONCE)):
        if found := place.values(some):
            parts.append(wide(found, places))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"run": [], "epoch": []}, dtype=int)
