"""A study's experiment in a new SQLite database of MLflow, and a trial for it."""

from pathlib import Path

from uncollapse.analysis.schema import DIVERGED, FINISHED, REPLICATE, RUNNING, SEARCH
from uncollapse.study.config.tracking_uri import sqlite_uri
from uncollapse.study.tracking.projection import Projection
from uncollapse.study.trial_record import TrialRecord

SECONDS = 1_700_000_000.0


def running_trial(epochs: int, state: str = RUNNING, stage: str = SEARCH, key: str = "k1") -> TrialRecord:
    """A trial with so many epochs, on its way unless told."""
    rows = tuple(
        {"epoch": float(n), "time": SECONDS + n, "subset/mi": 0.1 * n, "cost/seconds": 1.0}
        for n in range(1, epochs + 1)
    )
    return TrialRecord(
        key=key,
        family="vmf",
        stage=stage,
        number=0,
        configuration_id="c1",
        seed=7,
        audit=False,
        configuration={"latent": {"kind": "vmf", "kappa": 80.0}},
        params={"latent.kappa": 80.0},
        state=state,
        cause="the loss became nan" if state == DIVERGED else "",
        epochs=rows,
        final={"valid/nll_iw": 90.0} if state == FINISHED and stage == REPLICATE else {},
        started=SECONDS,
        ended=SECONDS + 100 if state != RUNNING else 0.0,
    )


def opened(folder: Path) -> Projection:
    projection = Projection(sqlite_uri(folder / "mlflow.db"), "s", folder / "artifacts", {"code": "abc"})
    projection.open()
    return projection
