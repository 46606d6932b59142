"""What runs inside a Ray worker: one trial, from its checkpoint if it has one."""

import faulthandler
import json
import socket
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uncollapse.models.corpus_info import CorpusInfo
from uncollapse.study.corpora.corpus import Corpus, Split
from uncollapse.study.disk_faults import disk_error
from uncollapse.study.execution.running_code import PACKAGE, extend_path, refusal
from uncollapse.study.libraries import configure_libraries
from uncollapse.study.storage.locks import locked
from uncollapse.study.storage.retention import hang_note

if TYPE_CHECKING:
    from uncollapse.study.training.probes import Answers
    from uncollapse.study.training.training import Task, Training

OWN_FILE, OWN_FRAME = f'/{Path(__file__).name}"', " in _train"  # by name: a node may hold it elsewhere
LOCK_SECONDS = 120.0  # that a trial waits for a worker which still trains it, before it is sent out again
Report = Callable[[dict[str, Any]], None]


class Event(StrEnum):
    """What a worker reports of a trial."""

    BEGUN = "begun"
    EPOCH = "epoch"
    FINISHED = "finished"
    DIVERGED = "diverged"
    FAILED = "failed"
    BLOCKED = "blocked"  # by a disk: nothing that the trial did


@dataclass(frozen=True)
class Text:
    """What every trial of a study reads, shared by all workers of a node."""

    corpus: Corpus
    corpus_info: CorpusInfo
    train: Split
    valid: Split


def run_trial(config: Mapping[str, Any], text: Text) -> None:
    """The Tune trainable: trains the job that `config` holds and reports to Tune."""
    configure_libraries()
    from ray import tune

    def report(content: dict[str, Any]) -> None:
        tune.report({"report": json.dumps(content)})  # as text, since Tune flattens what is nested

    train_job(json.loads(config["job"]), text, report)


def train_job(job: Mapping[str, Any], text: Text, report: Report) -> None:
    """Train a job to its end; every way to end but the death of the process is a report.

    Reports are `{"event": one of Event, ...}`. Epochs that a checkpoint
    already holds are reported again, since the driver may have died before it recorded them; it ignores what it knows.
    """
    from uncollapse.study.training.training import Diverged

    checkpoint = Path(job["checkpoint"])
    try:
        with held(checkpoint), never_silent(checkpoint, job["epoch_seconds"]) as heard:

            def tell(content: dict[str, Any]) -> None:
                report(content)
                heard()

            extend_path(job["python_path"])
            if other := refusal(job):
                raise OtherCode(other)
            report({"event": Event.FINISHED, **_train(job, text, tell)})
    except Diverged as error:
        report({"event": Event.DIVERGED, "cause": str(error)})
    except OtherCode as error:
        report({"event": Event.FAILED, "cause": str(error)})
    except StillTrained:
        raise  # nothing that the trial did: Tune sees a death, and the trial is sent out again
    except Exception as error:  # any error of a trial is that trial's end, and never the study's
        blocked = disk_error(error)
        report({"event": Event.BLOCKED if blocked else Event.FAILED, "cause": blocked or _cause(error)})


def _train(job: Mapping[str, Any], text: Text, report: Report) -> dict[str, Any]:
    """The epoch that is kept; its measures on the sentences that report and the texts that the job asks for, none of
    either in a search."""
    import torch

    from uncollapse.study.results.saved_model import save_weights
    from uncollapse.study.training import checkpoints, devices
    from uncollapse.study.training.training import Training

    torch.set_num_threads(job["threads"])
    device = devices.device_of(job["gpus"])
    report(
        {"event": Event.BEGUN, "device": devices.named(device), "host": socket.gethostname(), "source": str(PACKAGE)}
    )
    training = Training(_task(job, text), text.train, text.valid, device)
    checkpoint, whose = Path(job["checkpoint"]), f"{job['key']} {job['code']}"
    checkpoints.resume(training, checkpoint, whose)
    for epoch in training.history:
        report({"event": Event.EPOCH, "record": epoch})
    for epoch in training.epochs():
        checkpoints.save(training, checkpoint, whose)
        report({"event": Event.EPOCH, "record": epoch})
    kept = {"kept_epoch": training.watch.kept_epoch}
    if not job["full"]:
        return {**kept, "final": {}, "artifacts": {}}
    measures = training.measure_split("valid", training.validation.reporting)
    if job["weights"]:
        save_weights(training.model, Path(job["weights"]), job["key"])
    answers = _probe(job, text, training)
    measures |= {f"valid/{name}": value for name, value in answers.measures.items()}
    return {**kept, "final": measures, "artifacts": dict(answers.texts)}


def _task(job: Mapping[str, Any], text: Text) -> "Task":
    from uncollapse.study.training.stopping import Stopping
    from uncollapse.study.training.training import Effort, task_of

    effort, stopping = Effort.of(job["evaluate"]), Stopping.of(job["train"], job["search"])
    return task_of(job["configuration"], text.corpus_info, job["seed"], job["train"], effort, stopping)


def _probe(job: Mapping[str, Any], text: Text, training: "Training") -> "Answers":
    from uncollapse.study.training.probes import Subject, ask

    asked, samples = training.validation.reporting, job["evaluate"]["full_samples"]
    subject = Subject(training.model, text.corpus, text.train, asked, samples, seed=job["seed"])
    return ask(job["evaluate"]["probes"], subject)


class OtherCode(RuntimeError):
    """This worker runs other code than the driver of its trial."""


class StillTrained(RuntimeError):
    """Another process trains the same trial."""


@contextmanager
def held(checkpoint: Path) -> Iterator[None]:
    """Hold a checkpoint against a worker that outlived its driver for a moment and still trains the same trial.

    Raises:
        StillTrained: it does so for longer than `LOCK_SECONDS`.
    """
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + LOCK_SECONDS
    with checkpoint.with_suffix(".lock").open("w") as lock:
        while not locked(lock):
            if time.monotonic() > deadline:
                raise StillTrained(f"another process still trains this trial after {LOCK_SECONDS:g} s")
            time.sleep(0.2)
        yield


@contextmanager
def never_silent(checkpoint: Path, seconds: float) -> Iterator[Callable[[], None]]:
    """End the process when it has not called what this yields for `seconds`, and leave a note of where it was.

    The clock is a thread of C that needs no interpreter, so that a call which never comes back is ended too.
    """
    with hang_note(checkpoint).open("w") as note:

        def heard() -> None:
            faulthandler.dump_traceback_later(seconds, exit=True, file=note)

        heard()
        try:
            yield heard
        finally:
            faulthandler.cancel_dump_traceback_later()


def where_it_hung(checkpoint: Path) -> str:
    """The innermost function of the thread that was training when the process ended itself; "" if it did not."""
    try:
        lines = hang_note(checkpoint).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    first = ""
    for line in lines:
        if line.startswith(("Thread", "Current thread")):
            first = ""
        elif line.strip().startswith("File "):
            first = first or line.strip()
            if line.endswith(OWN_FRAME) and OWN_FILE in line:
                return first
    return ""


def _cause(error: Exception) -> str:
    """The error and the line of ours that raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{place}"
