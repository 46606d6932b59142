"""One stage as one Ray Tune run: all families together. The run is disposable; the ledger is not."""

import json
import os
import shutil
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
os.environ.setdefault("TUNE_GLOBAL_CHECKPOINT_S", "1000000000")  # the ledger is what resumes, not Ray's snapshots
os.environ.setdefault("TUNE_FUNCTION_THREAD_TIMEOUT_S", "60")
os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")

import ray
from ray import tune
from ray.tune import CheckpointConfig, FailureConfig, RunConfig, TuneConfig
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from study import worker
from study.book import job_of
from study.specification import Study
from study.stages import Stage
from study.workspace import Workspace

RETRIES = 3  # deaths of a trial's process that are forgiven; faults of the trial itself never raise


class Conductor:
    """Keeps the stage and Tune in step: jobs out, reports in."""

    def __init__(self, stage: Stage, common: Mapping[str, Any], checkpoints: Path, slots: int) -> None:
        self.stage, self.common, self.checkpoints, self.slots = stage, common, checkpoints, slots
        self.keys: dict[str, str] = {}
        self.fault: BaseException | None = None

    def next_job(self, trial_id: str) -> dict[str, str] | str | None:
        if len(self.keys) >= self.slots:
            return None
        record = None if self.fault else self.stage.next_trial()
        if record is None:
            return None if self.keys else Searcher.FINISHED
        self.keys[trial_id] = record.key
        checkpoint = str(self.checkpoint(record.key))
        return {"job": json.dumps(job_of(record, {**self.common, "checkpoint": checkpoint}))}

    def checkpoint(self, key: str) -> Path:
        return self.checkpoints / f"{key}.pt"

    def take(self, trial_id: str, report: Mapping[str, Any]) -> bool:
        """Record a report; whether the trial is to be stopped."""
        key, book = self.keys[trial_id], self.stage.book
        match report["event"]:
            case worker.EPOCH:
                record = book.epoch(key, report["record"])
                if record is None or not self.stage.stops(record):
                    return False
                book.stop(key)
                return True
            case worker.FINISHED:
                book.finish(key, report["final"], report["artifacts"])
            case worker.DIVERGED:
                book.diverge(key, report["cause"])
            case worker.FAILED:
                book.fail(key, report["cause"])
        return False

    def leave(self, trial_id: str, error: bool) -> None:
        """A trial has left its worker; one that died on the way without a last report is told so."""
        key = self.keys.pop(trial_id, None)
        if key is None or self.fault:
            return
        self.stage.book.fail(key, f"its process died {RETRIES + 1} times" if error else "it left without a result")
        worker.discard(self.checkpoint(key))

    @contextmanager
    def keeping(self) -> Iterator[None]:
        """Tune swallows what is raised in its callbacks and trains on: keep it, and raise it where the run ends."""
        try:
            yield
        except BaseException as fault:
            self.fault = self.fault or fault


class LedgerSearcher(Searcher):
    """Hands out the stage's trials. Holds no state that Tune could save."""

    def __init__(self, conductor: Conductor) -> None:
        super().__init__()
        self.conductor = conductor

    def suggest(self, trial_id: str) -> Any:
        with self.conductor.keeping():
            return self.conductor.next_job(trial_id)
        return Searcher.FINISHED

    def on_trial_complete(self, trial_id: str, result: dict | None = None, error: bool = False) -> None:
        with self.conductor.keeping():
            self.conductor.leave(trial_id, error)

    def save(self, checkpoint_path: str) -> None: ...

    def restore(self, checkpoint_path: str) -> None: ...

    def save_to_dir(self, checkpoint_dir: str, session_str: str = "default") -> None: ...

    def __getstate__(self) -> dict[str, Any]:
        return {}


class LedgerScheduler(FIFOScheduler):
    """Records every report before it is judged, and judges it."""

    def __init__(self, conductor: Conductor) -> None:
        super().__init__()
        self.conductor = conductor

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict) -> str:
        stop = False
        with self.conductor.keeping():
            stop = self.conductor.take(trial.trial_id, json.loads(result["report"]))
        return TrialScheduler.STOP if stop or self.conductor.fault else TrialScheduler.CONTINUE

    def __getstate__(self) -> dict[str, Any]:
        return {}


def run_stage(
    conductor: Conductor,
    text: worker.Text,
    resources: Mapping[str, float],
    scratch: Path,
    reuse_workers: bool = True,
) -> None:
    """Train everything that a stage still has to train; Tune's own files stand in `scratch` until it ends.

    Raises:
        KeyboardInterrupt: the user stopped the run; what was running goes on from its checkpoint next time.
    """
    trainable = tune.with_resources(tune.with_parameters(worker.run_trial, text=text), dict(resources))
    shutil.rmtree(scratch, ignore_errors=True)
    with signals_restored():
        tuner = tune.Tuner(
            trainable,
            tune_config=TuneConfig(
                search_alg=LedgerSearcher(conductor),
                scheduler=LedgerScheduler(conductor),
                num_samples=-1,
                max_concurrent_trials=conductor.slots,
                reuse_actors=reuse_workers,
                trial_name_creator=lambda trial: trial.trial_id,
                trial_dirname_creator=lambda trial: trial.trial_id,
            ),
            run_config=RunConfig(
                name=conductor.stage.name,
                storage_path=str(scratch.resolve()),
                failure_config=FailureConfig(max_failures=RETRIES),
                checkpoint_config=CheckpointConfig(num_to_keep=1),
                verbose=0,
            ),
        )
        tuner.fit()
    shutil.rmtree(scratch, ignore_errors=True)
    if conductor.fault is not None:
        raise conductor.fault
    if conductor.keys:
        raise KeyboardInterrupt


@contextmanager
def signals_restored() -> Iterator[None]:
    """Tune leaves its own signal handlers installed."""
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def connect(address: str | None, cpus: int | None) -> None:
    """Join a cluster, or start one on this machine; Ray puts its ports under a token unless the user says otherwise."""
    if ray.is_initialized():
        return
    options: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False}
    if address is None:
        ray.init(num_cpus=cpus, include_dashboard=False, **options)
    else:
        ray.init(address=address, **options)


def slots(resources: Mapping[str, float]) -> int:
    """How many trials fit into the cluster at once."""
    there = ray.cluster_resources()
    return min(int(there.get(name.upper(), 0) // amount) for name, amount in resources.items() if amount > 0)


def too_small(resources: Mapping[str, float]) -> str:
    """The sentence for a cluster on which not even one trial fits."""
    there = ray.cluster_resources()
    wanted = ", ".join(f"{amount:g} {name.upper()}" for name, amount in resources.items() if amount > 0)
    held = ", ".join(f"{there.get(name.upper(), 0):g} {name.upper()}" for name in resources)
    return (
        f"resources: one trial needs {wanted} and the cluster has {held}; lower `resources:`, or join a larger cluster"
    )


def seen_from_a_worker(study: Study, workspace: Workspace, resources: Mapping[str, float]) -> list[str]:
    """What a worker of the cluster cannot reach: the study's folder, and the tracking server."""
    probe = ray.remote(num_cpus=resources["cpu"], num_gpus=resources["gpu"])(_reachable)
    return ray.get(probe.remote(str(workspace.runs), study.tracking))


def _reachable(runs: str, tracking: str | None) -> list[str]:
    from study.checks import tracking_faults
    from study.workspace import writable

    found = [fault] if (fault := writable(Path(runs))) else []
    found += tracking_faults(tracking) if tracking else []
    return [f"seen from a worker, {fault}" for fault in found]
