"""What runs inside a Ray worker: one trial, from its checkpoint if it has one."""

import fcntl
import json
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.lexicon import Lexicon
from study.corpora.corpus import Corpus, Split

if TYPE_CHECKING:
    from models.text_vae import TextVAE
    from study.probing import Answers

FINISHED, DIVERGED, FAILED, EPOCH = "finished", "diverged", "failed", "epoch"
Report = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Text:
    """What every trial of a study reads, shared by all workers of a node."""

    corpus: Corpus
    lexicon: Lexicon
    train: Split
    valid: Split


def run_trial(config: Mapping[str, Any], text: Text) -> None:
    """The Tune trainable: trains the job that `config` holds and reports to Tune."""
    from ray import tune

    def report(content: dict[str, Any]) -> None:
        tune.report({"report": json.dumps(content)})  # as text, since Tune flattens what is nested

    train_job(json.loads(config["job"]), text, report)


def train_job(job: Mapping[str, Any], text: Text, report: Report) -> None:
    """Train a job to its end; every way to end but the death of the process is a report.

    Reports are `{"event": epoch | finished | diverged | failed, ...}`. Epochs that a checkpoint already holds are
    reported again, since the driver may have died before it recorded them; it ignores what it knows.
    """
    from study.training import Diverged

    with held(Path(job["checkpoint"])):
        try:
            final, artifacts = _train(job, text, report)
            report({"event": FINISHED, "final": final, "artifacts": artifacts})
        except Diverged as error:
            report({"event": DIVERGED, "cause": str(error)})
        except Exception as error:  # any fault of a trial is that trial's end, never the study's
            report({"event": FAILED, "cause": _cause(error)})


def _train(job: Mapping[str, Any], text: Text, report: Report) -> tuple[dict[str, float], dict[str, str]]:
    """The measures on the full split and the texts that the job asks for; none of either in a search."""
    import torch

    from study.training import Effort, Task, Training

    torch.set_num_threads(job["threads"])
    device = torch.device("cuda" if job["gpus"] > 0 and torch.cuda.is_available() else "cpu")
    effort = Effort.of(job["evaluate"])
    names = ("configuration", "seed", "epochs", "batch_size")
    task = Task(**{name: job[name] for name in names}, lexicon=text.lexicon, effort=effort)
    training = Training(task, text.train, text.valid, device)
    checkpoint = Path(job["checkpoint"])
    training.resume(checkpoint)
    for epoch in training.history:
        report({"event": EPOCH, "record": epoch})
    for epoch in training.epochs():
        training.save(checkpoint)
        report({"event": EPOCH, "record": epoch})
    if not job["full"]:
        return {}, {}
    measures = training.measure_split("valid", text.valid)
    answers = _probe(job, text, training.model)
    return measures | {f"valid/{name}": value for name, value in answers.measures.items()}, dict(answers.texts)


def _probe(job: Mapping[str, Any], text: Text, model: "TextVAE") -> "Answers":
    from study.probing import Subject, ask

    samples = job["evaluate"]["full_samples"]
    return ask(
        job["evaluate"]["probes"], Subject(model, text.corpus, text.train, text.valid, samples, seed=job["seed"])
    )


@contextmanager
def held(checkpoint: Path) -> Iterator[None]:
    """Hold a checkpoint against a worker that outlived its driver for a moment and still trains the same trial."""
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    with checkpoint.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def discard(checkpoint: Path) -> None:
    """Remove what an ended trial leaves on disk."""
    for path in (checkpoint, checkpoint.with_suffix(".lock"), checkpoint.with_name(checkpoint.name + ".partial")):
        path.unlink(missing_ok=True)


def _cause(error: Exception) -> str:
    """The error and the line of ours that raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{place}"
