"""A study's records from MLflow alone, whether a server or a database; no ledger is needed.

A database is asked for whole histories at once, by the five tables that MLflow keeps runs in. A server is asked by the
request that its own page uses for many runs, and by `get_metric_history`, one run and measure at a time, where it
does not know that request. All three ways give the same tables.
"""

import json
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd

from uncollapse.analysis.mlflow_runs.artifacts import Files
from uncollapse.analysis.mlflow_runs.sources import Run, Source, Value, source
from uncollapse.analysis.schema import (
    CURVE_COLUMNS,
    FAILED,
    FINISHED,
    REPLICATE,
    RUNNING,
    SEARCH,
    STAGES,
    TRIAL_COLUMNS,
    Records,
)
from uncollapse.analysis.tables import PARAM

FACTS = "facts.json"
AT_ONCE = 100  # runs whose values are asked for together
UNSAID = {"RUNNING": RUNNING, "SCHEDULED": RUNNING, "FINISHED": FINISHED}  # the state of a run without its tag


def records(tracking_uri: str, experiment: str) -> Records:
    """A study's trials, curves, texts and facts from the runs of its experiment.

    The tables are those of the ledger (see `analysis.schema`), but for trials that never ran: MLflow has none of them.
    Searched hyperparameters come from the tag `uncollapse.params`. Runs without it, of an earlier version, get a
    `param.` column for every setting that differs between a family's search trials, and no number in `replicate`.
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
    runs = _trials(every)
    trials, curves = _tables(runs, _histories(place, runs))
    texts = {run.tag("key"): Files(tracking_uri, run) for run in runs if _leaves_texts(run)}
    own = [Files(tracking_uri, run) for run in every if run.tag("kind") == "study"]
    facts = json.loads(own[0][FACTS]) if own and FACTS in own[0] else _told(experiment, runs, trials)
    return Records(facts, trials, curves, texts)


def _trials(every: Sequence[Run]) -> list[Run]:
    """The runs of trials, in order; of two of one name, as an answer lost on the way leaves, the one that ended."""
    runs = [run for run in every if run.tag("kind") == "trial" and run.tag("stage") in STAGES]
    by_name = {run.tag("run"): run for run in sorted(runs, key=lambda run: bool(run.tag("state")))}
    return sorted(by_name.values(), key=lambda run: run.place)


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
            parts.append(_wide(found, places))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"run": [], "epoch": []}, dtype=int)


def _wide(found: list[Value], places: Mapping[str, int]) -> pd.DataFrame:
    """One column a measure; of a value that was recorded twice, the later."""
    ids, names, steps, times, values = zip(*found, strict=True)
    order = np.argsort(np.fromiter(times, np.int64), kind="stable")
    runs, epochs = np.fromiter(map(places.__getitem__, ids), np.int64), np.fromiter(steps, np.int64)
    column, measures = pd.factorize(np.array(names, dtype=object), sort=True)
    span = int(epochs.max()) + 1
    at, row = np.unique(runs * span + epochs, return_inverse=True)
    cells = np.full((len(at), len(measures)), np.nan)
    cells[row[order], column[order]] = np.fromiter(values, float)[order]
    table = pd.DataFrame(cells, columns=list(measures))
    return pd.concat([pd.DataFrame({"run": at // span, "epoch": at % span}), table], axis=1)


def _tables(runs: Sequence[Run], histories: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(trials, curves) as the ledger gives them; what is measured once, after training, stands in the last epoch."""
    keys, absent = np.array([run.tag("key") for run in runs], dtype=object), pd.Series(np.nan, histories.index)
    head = {"key": keys[histories["run"]], "epoch": histories["epoch"]}
    head["updates"] = histories.get("cost/updates", absent)
    measured = [name for name in histories if "/" in str(name) and not str(name).startswith("valid/")]
    curves = pd.concat([pd.DataFrame(head, columns=[*CURVE_COLUMNS]), histories[measured]], axis=1)
    by_run, places = histories.groupby("run"), range(len(runs))
    trials = pd.DataFrame(_rows(runs), columns=None if runs else [*TRIAL_COLUMNS])
    trials["epochs"] = by_run.size().reindex(places, fill_value=0)
    seconds = histories.get("cost/seconds", absent).groupby(histories["run"]).sum()
    trials["seconds"] = seconds.reindex(places, fill_value=0.0).astype(float)
    last = histories.drop_duplicates("run", keep="last").set_index("run").drop(columns="epoch")
    return trials.join(last), curves


def _rows(runs: Sequence[Run]) -> list[dict[str, Any]]:
    return [
        {
            "key": run.tag("key"),
            "family": run.tag("family"),
            "stage": run.tag("stage"),
            "number": run.number,
            "configuration": run.tag("configuration"),
            "seed": int(run.tag("seed")),
            "state": run.tag("state") or UNSAID.get(run.status, FAILED),
            "cause": run.tag("cause"),
            "audit": run.tag("audit") == "true",
            "epochs": 0,
            "seconds": 0.0,
            **{PARAM + name: value for name, value in params.items()},
        }
        for run, params in zip(runs, _searched(runs), strict=True)
    ]


def _searched(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """The searched hyperparameters of each run."""
    varied = {family: _varied(runs, family) for family in {run.tag("family") for run in runs if not run.tag("params")}}
    return [
        json.loads(run.tag("params"))
        if run.tag("params")
        else {name: _typed(run.params[name]) for name in varied[run.tag("family")] if name in run.params}
        for run in runs
    ]


def _varied(runs: Sequence[Run], family: str) -> list[str]:
    """Settings that differ between a family's search trials."""
    own = [run.params for run in runs if run.tag("family") == family and run.tag("stage") == SEARCH]
    return [name for name in sorted(set().union(*own)) if len({params.get(name) for params in own}) > 1]


def _typed(text: str) -> Any:
    """What `str` was applied to, of the kinds that a setting can be."""
    words: Mapping[str, bool | None] = {"True": True, "False": False, "None": None}
    if text in words:
        return words[text]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
