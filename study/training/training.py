"""The training of one model, the same for a trial and for the final training. Knows no ray, mlflow or optuna."""

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import torch

from uncollapse.models.batch import Batch
from uncollapse.models.configuration import components
from uncollapse.models.corpus_info import CorpusInfo
from uncollapse.models.evaluation.evaluate import evaluate
from uncollapse.models.measures.checks import NotFinite
from uncollapse.models.objective import Objective
from uncollapse.models.text_vae import TextVAE
from uncollapse.study.corpora.corpus import Split
from uncollapse.study.training import devices, validation
from uncollapse.study.training.batches import evaluation_batches, training_batches, updates_per_epoch
from uncollapse.study.training.stopping import Stopping, watch

EVALUATION_BATCH = 64


class Diverged(ArithmeticError):
    """The loss or a measure stopped being finite; the trial is counted, never averaged."""


@dataclass(frozen=True)
class Effort:
    """How much the evaluations of a training spend.

    Args:
        subset_sentences: validation sentences measured after every epoch, a fixed subset: those that choose.
        subset_samples: K of their `nll_iw`.
        full_samples: K of `nll_iw` on a whole split.
        subset_seed: with which the subset is drawn.
    """

    subset_sentences: int
    subset_samples: int
    full_samples: int
    subset_seed: int = 0

    @classmethod
    def of(cls, evaluate: Mapping[str, Any]) -> "Effort":
        """The `evaluate:` section of a page, which also names what a training itself does not do."""
        return cls(**{field.name: evaluate[field.name] for field in fields(cls) if field.name in evaluate})


@dataclass(frozen=True)
class Task:
    """One training: a resolved configuration, a seed and a length.

    Args:
        epochs: at most.
        precision: of the matrix products while training; measures are always taken in float32.
        deterministic: GPU kernels that repeat their numbers.
        stopping: when it ends, and which epoch's weights it keeps.
    """

    configuration: Mapping[str, Any]
    corpus_info: CorpusInfo
    seed: int
    epochs: int
    batch_size: int
    effort: Effort
    precision: str = "float32"
    deterministic: bool = True
    stopping: Stopping = field(default_factory=Stopping)


def task_of(
    configuration: Mapping[str, Any],
    corpus_info: CorpusInfo,
    seed: int,
    train: Mapping[str, Any],
    effort: Effort,
    stopping: Stopping | None = None,
) -> Task:
    """The task that the `train:` section of a page or of an exported file asks for."""
    own = {name: train[name] for name in ("epochs", "batch_size", "precision", "deterministic") if name in train}
    return Task(configuration, corpus_info, seed, effort=effort, stopping=stopping or Stopping(), **own)


class Training:
    """A model on its way: runs epochs, measures, and goes on from where it was left (`study.training.checkpoints`).

    The seed of every epoch is derived from the task's seed and the epoch's number, so the numbers are the same
    whatever ran before in this process, and whether or not the training was interrupted (law 7).
    """

    def __init__(self, task: Task, train: Split, valid: Split, device: torch.device) -> None:
        self.task, self.train_split, self.device = task, train, device
        self.validation = validation.cut(valid, task.effort.subset_sentences, task.effort.subset_seed)
        devices.settle(device, task.deterministic)
        torch.manual_seed(task.seed)
        self.model = TextVAE(task.configuration, task.corpus_info).to(device)
        updates = task.epochs * updates_per_epoch(len(train), task.batch_size)
        objective = Objective(task.configuration["objective"], updates)
        self.optimization = components.build("optimizer", task.configuration["optimizer"], self.model, updates)
        self.update = components.build(
            "updates", task.configuration["updates"], self.model, objective, self.optimization
        )
        self.subset = self._batches(self.validation.choosing)
        self.history: list[dict[str, float]] = []
        self.watch = watch(task.stopping, task.configuration, task.epochs)
        self.kept: dict[str, torch.Tensor] | None = None  # weights of the best epoch, where it is not the last one

    def _batches(self, split: Split) -> list[Batch]:
        return [batch.to(self.device) for batch in evaluation_batches(split, EVALUATION_BATCH)]

    def epochs(self) -> Iterator[dict[str, float]]:
        """Train to the end, one record an epoch; the model then has the weights of `watch.kept_epoch`.

        Raises:
            Diverged: the loss or a measure did not stay finite.
        """
        while len(self.history) < self.task.epochs and not self.watch.over:
            if self.watch.holds:
                self.kept = self._weights()
            self.history.append(self._epoch(len(self.history) + 1))
            if self.watch.note(self.history[-1]):
                self.kept = None
            yield self.history[-1]
        if self.kept is not None:
            self.model.load_state_dict(self.kept)

    def _weights(self) -> dict[str, torch.Tensor]:
        """A copy of them that the next update leaves alone."""
        return {name: value.detach().to("cpu", copy=True) for name, value in self.model.state_dict().items()}

    def _epoch(self, epoch: int) -> dict[str, float]:
        started = time.perf_counter()
        trained = self.train_epoch(epoch)
        measured = self.measure("subset", self.subset, self.task.effort.subset_samples)
        self.optimization.end_epoch(bound(measured))
        self.update.end_epoch({name.removeprefix("subset/"): value for name, value in measured.items()})
        counts = {f"cost/{name}": value for name, value in self.update.costs().items()}
        cost = {"cost/updates": float(self.optimization.updates), "cost/seconds": time.perf_counter() - started}
        return {"epoch": float(epoch), **trained, **measured, **counts, **cost}

    def train_epoch(self, epoch: int) -> dict[str, float]:
        torch.manual_seed(epoch_seed(self.task.seed, epoch))
        generator = np.random.default_rng([self.task.seed, epoch])
        self.model.train()
        losses, reconstructions, tokens, sentences = 0.0, 0.0, 0, 0
        for batch in training_batches(self.train_split, self.task.batch_size, generator):
            with devices.autocast(self.device, self.task.precision):
                loss, reconstruction = self.update(batch.to(self.device))
            if not math.isfinite(loss):
                raise Diverged(f"the loss became {loss} in epoch {epoch}, update {self.optimization.updates + 1}")
            size = len(batch.tokens)
            losses, reconstructions, sentences = (
                losses + loss * size,
                reconstructions + reconstruction * size,
                sentences + size,
            )
            tokens += int(batch.lengths.sum())
        return {
            "train/loss": losses / sentences,
            "train/reconstruction": reconstructions / sentences,
            "cost/tokens": float(tokens),
        }

    def measure(self, name: str, batches: list[Batch], samples: int) -> dict[str, float]:
        """Every measure under `name/`; raises `Diverged` rather than let a NaN or an infinity out (law 8)."""
        try:
            found = evaluate(self.model, batches, samples, seed=0)
        except NotFinite as error:
            raise Diverged(f"{error} On {name}, after {len(self.history)} epochs.") from None
        bad = [measure for measure, value in found.items() if not math.isfinite(value)]
        if bad:
            raise Diverged(f"{', '.join(bad)} not finite on {name} after {len(self.history)} epochs")
        return {f"{name}/{measure}": value for measure, value in found.items()}

    def measure_split(self, name: str, split: Split) -> dict[str, float]:
        """Every measure on a whole split, with the samples of a final figure."""
        return self.measure(name, self._batches(split), self.task.effort.full_samples)

    def state(self) -> dict[str, Any]:
        """What another process needs to go on from here with the same numbers."""
        return {
            "model": self.model.state_dict(),
            "optimization": self.optimization.state_dict(),
            "update": self.update.state_dict(),
            "history": self.history,
            "kept": self.kept,
        }

    def go_on_from(self, state: Mapping[str, Any]) -> None:
        """Take up the `state` that the same training had elsewhere."""
        self.model.load_state_dict(state["model"])
        self.optimization.load_state_dict(state["optimization"])
        self.update.load_state_dict(state["update"])
        self.history, self.kept = state["history"], state["kept"]
        for epoch in self.history:
            self.watch.note(epoch)


def bound(measured: Mapping[str, float]) -> float:
    """The subset's one-sample bound, or its fallback where there is none: lower is better."""
    names = ("nll_elbo", "nll_exact", "nll_label", "nll_dual")
    return next((measured[f"subset/{name}"] for name in names if f"subset/{name}" in measured), math.nan)


def epoch_seed(seed: int, epoch: int) -> int:
    """A seed of its own for every epoch."""
    return int(np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)[0] >> 1)
