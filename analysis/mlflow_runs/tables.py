"""Tables of trials and epochs from MLflow's runs and the values that they recorded."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from uncollapse.analysis.mlflow_runs.sources import Run, Value
from uncollapse.analysis.schema import CURVE_COLUMNS, FAILED, FINISHED, RUNNING, SEARCH, STAGES, TRIAL_COLUMNS
from uncollapse.analysis.tables import PARAM

TOLD = ("origin", "role", "reused_from")  # columns that are texts, each a tag of its name; "" where a run has none
UNSAID = {"RUNNING": RUNNING, "SCHEDULED": RUNNING, "FINISHED": FINISHED}  # the state of a run without its tag


def trial_runs(every: Sequence[Run]) -> list[Run]:
    """The runs of trials, in order; of two of one name, as an answer lost on the way leaves, the one that ended."""
    runs = [run for run in every if run.tag("kind") == "trial" and run.tag("stage") in STAGES]
    by_name = {run.tag("run"): run for run in sorted(runs, key=lambda run: bool(run.tag("state")))}
    return sorted(by_name.values(), key=lambda run: run.place)


def wide(found: list[Value], places: Mapping[str, int]) -> pd.DataFrame:
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


def tables(runs: Sequence[Run], histories: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(trials, curves) as the ledger gives them; what is measured once, after training, stands in the last epoch."""
    keys, absent = np.array([run.tag("key") for run in runs], dtype=object), pd.Series(np.nan, histories.index)
    head = {"key": keys[histories["run"]], "epoch": histories["epoch"]}
    head["updates"] = histories.get("cost/updates", absent)
    measured = [name for name in histories if "/" in str(name) and not str(name).startswith("valid/")]
    curves = pd.concat([pd.DataFrame(head, columns=[*CURVE_COLUMNS]), histories[measured]], axis=1)
    by_run, places = histories.groupby("run"), range(len(runs))
    trials = pd.DataFrame(rows(runs), columns=None if runs else [*TRIAL_COLUMNS])
    trials["epochs"] = by_run.size().reindex(places, fill_value=0)
    seconds = histories.get("cost/seconds", absent).groupby(histories["run"]).sum()
    trials["seconds"] = seconds.reindex(places, fill_value=0.0).astype(float)
    kept = np.array([int(run.tag("kept_epoch") or 0) for run in runs], dtype=np.int64)
    trials["kept_epoch"] = np.where(kept > 0, kept, trials["epochs"])
    return trials.join(_measures(histories, trials["kept_epoch"])), curves


def _measures(histories: pd.DataFrame, kept: pd.Series) -> pd.DataFrame:
    """The measures of the kept epoch of every run, and those that were taken once, after its training."""
    last = histories.drop_duplicates("run", keep="last").set_index("run").drop(columns="epoch")
    own = histories[histories["epoch"] == kept.reindex(histories["run"]).to_numpy()].set_index("run")
    once = [name for name in last if str(name).startswith("valid/")]
    return own.drop(columns=["epoch", *once]).join(last[once])[list(last)]


def rows(runs: Sequence[Run]) -> list[dict[str, Any]]:
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
            **{name: run.tag(name) for name in TOLD},
            "epochs": 0,
            "kept_epoch": 0,
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
        else {name: typed(run.params[name]) for name in varied[run.tag("family")] if name in run.params}
        for run in runs
    ]


def _varied(runs: Sequence[Run], family: str) -> list[str]:
    """Hyperparameters that differ between a family's search trials."""
    own = [run.params for run in runs if run.tag("family") == family and run.tag("stage") == SEARCH]
    return [name for name in sorted(set().union(*own)) if len({params.get(name) for params in own}) > 1]


def typed(text: str) -> Any:
    """What `str` was applied to, of the kinds that a hyperparameter can be."""
    words: Mapping[str, bool | None] = {"True": True, "False": False, "None": None}
    if text in words:
        return words[text]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
