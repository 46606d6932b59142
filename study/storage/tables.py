"""From the ledger to tables: what the analysis reads."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from uncollapse.study.output import aside
from uncollapse.study.storage.digest.attributes import newest
from uncollapse.study.storage.ledger import Ledger, record_of
from uncollapse.study.trial_record import TrialRecord


class Read(NamedTuple):
    """What a ledger holds, as `records` gives it, and a sentence for what is damaged."""

    records: list[TrialRecord]
    damaged: list[str]


def read(folder: Path, study: str, say: Callable[[str], None] = aside) -> Read:
    """What a study's ledger holds; `say` is told of its damaged lines, and of trials that do not count for them."""
    ledger = Ledger(folder, study)
    if ledger.damage is None:
        return Read(recorded(ledger), [])
    say(f"warning: {ledger.damage}")
    return Read(recorded(ledger), [f"{ledger.path.name}, {ledger.damage.sentence}"])


def records(folder: Path, study: str) -> list[TrialRecord]:
    """Every trial of a study, planned ones included; of a trial that was entered again, the newest entry."""
    return read(folder, study).records


def recorded(ledger: Ledger) -> list[TrialRecord]:
    """The same of a ledger that is open."""
    return newest(
        (stage, record_of(trial)) for stage, family in ledger.families() for trial in ledger.trials(stage, family)
    )


def tables(found: Iterable[TrialRecord]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(trials, curves): a row a trial, and a row a trial and epoch; see `analysis.schema`."""
    kept = list(found)
    curves = [{"key": record.key, **_epoch(epoch)} for record in kept for epoch in record.epochs]
    return pd.DataFrame([_row(record) for record in kept]), pd.DataFrame(curves)


def _row(record: TrialRecord) -> dict[str, Any]:
    named = {**_of(record, "key", "family", "stage", "number"), "configuration": record.configuration_id}
    hyperparameters = {f"param.{name}": value for name, value in record.params.items()}
    cost = {
        "epochs": len(record.epochs),
        "kept_epoch": record.kept_epoch or len(record.epochs),
        "seconds": record.seconds,
    }
    how = _of(record, "seed", "state", "cause", "audit", "origin", "role", "reused_from")
    return {**named, **how, **cost, **hyperparameters, **record.measures}


def _of(record: TrialRecord, *names: str) -> dict[str, Any]:
    return {name: getattr(record, name) for name in names}


def _epoch(epoch: Mapping[str, float]) -> dict[str, float]:
    measures = {name: value for name, value in epoch.items() if "/" in name}
    return {"epoch": int(epoch["epoch"]), "updates": epoch["cost/updates"], **measures}
