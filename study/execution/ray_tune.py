"""One stage as one Ray Tune run: all families together. The run is disposable; the ledger is not."""

import json
import shutil
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import ray
from ray import tune
from ray.tune import Callback, CheckpointConfig, FailureConfig, RunConfig, TuneConfig
from ray.tune.execution import class_cache
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from uncollapse.study.disk_faults import disk_error
from uncollapse.study.errors import RunError
from uncollapse.study.execution import worker
from uncollapse.study.execution.dispatcher import TAKEN_AWAY, Dispatcher
from uncollapse.study.execution.surroundings import Lost, Unplaced


class Trials:
    """What Tune knows of the trials it has, by its own names of them."""

    def __init__(self) -> None:
        self._known: dict[str, Trial] = {}

    def add(self, trial: Trial) -> None:
        self._known[trial.trial_id] = trial

    def forget(self, trial_id: str) -> None:
        self._known.pop(trial_id, None)

    def kill(self, trial_id: str) -> None:
        """End the process that trains a trial; Tune then reports its death."""
        if actor := self._known[trial_id].temporary_state.ray_actor:
            ray.kill(actor)

    def cause_of(self, trial_id: str) -> str:
        """Why a trial's process died, as Ray says it, in one line."""
        text = ""
        with suppress(OSError, TypeError, KeyError):
            text = Path(self._known[trial_id].error_file).read_text(encoding="utf-8", errors="replace")
        return cause_in(text)


class LedgerSearcher(Searcher):
    """Hands out the stage's trials. Holds no state that Tune could save."""

    def __init__(self, dispatcher: Dispatcher, trials: Trials) -> None:
        super().__init__()
        self.dispatcher, self.trials = dispatcher, trials

    def suggest(self, trial_id: str) -> Any:
        with self.dispatcher.keeping():
            self.dispatcher.tick()  # Tune asks here alone while nothing is live
            job = self.dispatcher.next_job(trial_id)
            return Searcher.FINISHED if job is None and self.dispatcher.done else job
        return Searcher.FINISHED

    def on_trial_complete(self, trial_id: str, result: dict | None = None, error: bool = False) -> None:
        with self.dispatcher.keeping():
            cause = self.trials.cause_of(trial_id) if error else ""
            self.trials.forget(trial_id)
            self.dispatcher.leave(trial_id, cause)

    def save(self, checkpoint_path: str) -> None: ...

    def restore(self, checkpoint_path: str) -> None: ...

    def save_to_dir(self, checkpoint_dir: str, session_str: str = "default") -> None: ...

    def __getstate__(self) -> dict[str, Any]:
        return {}


class LedgerScheduler(FIFOScheduler):
    """Records every report before it is judged, and judges it."""

    def __init__(self, dispatcher: Dispatcher, trials: Trials) -> None:
        super().__init__()
        self.dispatcher, self.trials = dispatcher, trials

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        self.trials.add(trial)

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict) -> str:
        stop = False
        with self.dispatcher.keeping():
            stop = self.dispatcher.take(trial.trial_id, json.loads(result["report"]))
        return TrialScheduler.STOP if stop or self.dispatcher.error else TrialScheduler.CONTINUE

    def __getstate__(self) -> dict[str, Any]:
        return {}


CAUSES = (
    ("OutOfMemoryError", "its node ran out of memory and Ray killed it"),
    ("running low on memory", "its node ran out of memory and Ray killed it"),
    ("temporarily unavailable", "its node was lost or does not answer"),
    ("worker process has died", "it was killed, or it crashed"),
    ("node was terminated", "its node was lost"),
    ("node died", "its node was lost"),
    ("ray.kill", "it was killed"),
)


def cause_in(text: str) -> str:
    """A sentence for what Ray wrote of a death."""
    known = next((sentence for sign, sentence in CAUSES if sign.lower() in text.lower()), None)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if known is None and lines and lines[-1].startswith("actor_id:"):
        return TAKEN_AWAY  # all that Ray writes of it is that it died
    return known or (lines[-1][:200] if lines else "unknown")


class Ticker(Callback):
    """Lets the dispatcher look around between two steps of Tune; what it raises ends the run."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self.dispatcher = dispatcher

    def on_step_begin(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        self.dispatcher.tick()

    def __getstate__(self) -> dict[str, Any]:
        return {}


def run_stage(
    dispatcher: Dispatcher,
    trials: Trials,
    text: worker.Text,
    resources: Mapping[str, float],
    scratch: Path,
    reuse_workers: bool = True,
) -> None:
    """Train everything that a stage still has to train; Tune's own files stand in `scratch` until it ends.

    Returns early, with the ledger's trials still running, when the user stops or pauses the study.

    Raises:
        KeyboardInterrupt: the user leaves now.
        RunError: the disk failed.
        Lost: Tune ended by itself; the ledger knows what is left.
    """
    _keep_secrets_at_home()
    trainable = tune.with_resources(tune.with_parameters(worker.run_trial, text=text), dict(resources))
    shutil.rmtree(scratch, ignore_errors=True)
    search = TuneConfig(
        search_alg=LedgerSearcher(dispatcher, trials),
        scheduler=LedgerScheduler(dispatcher, trials),
        num_samples=-1,
        reuse_actors=reuse_workers,
        trial_name_creator=lambda trial: trial.trial_id,
        trial_dirname_creator=lambda trial: trial.trial_id,
    )
    try:
        with signals_restored():
            _fit(tune.Tuner(trainable, tune_config=search, run_config=_run_config(dispatcher, scratch)), dispatcher)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _keep_secrets_at_home() -> None:
    """Tune hands the user's keys of AWS to every worker, and Ray writes them into its logs; no worker needs them."""
    handed = class_cache.ENV_VARS_TO_PROPAGATE
    class_cache.ENV_VARS_TO_PROPAGATE = {name for name in handed if not name.startswith("AWS_")}


def _run_config(dispatcher: Dispatcher, scratch: Path) -> RunConfig:
    return RunConfig(
        name=dispatcher.stage.name,
        storage_path=str(scratch.resolve()),
        failure_config=FailureConfig(max_failures=0),  # the dispatcher sends out again what died
        checkpoint_config=CheckpointConfig(num_to_keep=1),
        callbacks=[Ticker(dispatcher)],
        verbose=0,
    )


def _fit(tuner: tune.Tuner, dispatcher: Dispatcher) -> None:
    try:
        tuner.fit()
    except Exception as error:
        if dispatcher.error is None and not _unplaced(error):
            if (sentence := disk_error(error)) is not None:  # Tune keeps files of its own
                raise RunError(sentence) from error
            cause = cause_in(str(error))
            dispatcher.lose(cause)
            raise Lost(cause) from error
    if dispatcher.error is not None and not isinstance(dispatcher.error, Unplaced):
        raise dispatcher.error


def _unplaced(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, Unplaced):
        error = error.__cause__ or error.__context__
    return error is not None


@contextmanager
def signals_restored() -> Iterator[None]:
    """Tune leaves its own signal handler installed, where it is called from the main thread and can install one."""
    before = signal.getsignal(signal.SIGUSR1)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGUSR1, before)
