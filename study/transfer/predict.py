"""Classes predicted from frozen vectors, or by an encoder that was trained on. Shapes: N rows of a task."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from uncollapse.models.batch import Batch
from uncollapse.models.probes.fine_tuning import fine_tune, predict
from uncollapse.models.probes.transfer import predicted_classes
from uncollapse.models.probes.vectors import VECTORS, Vectors, words
from uncollapse.models.text_vae import TextVAE
from uncollapse.study.corpora.corpus import Split
from uncollapse.study.training.batches import batch_of, training_batches
from uncollapse.study.transfer.dataset import Material, split_of
from uncollapse.study.transfer.measurements import WORDS, Trial
from uncollapse.study.transfer.request import Request
from uncollapse.study.transfer.sentence_vectors import BATCH, chunks, features
from uncollapse.study.transfer.tasks import Question


@dataclass(frozen=True)
class Bench:
    """What a measurement needs.

    Args:
        model: trained or not.
        material: of the task.
        question: that the task asks.
        request: the run's.
    """

    model: TextVAE
    material: Material
    question: Question
    request: Request


def vectors(trial: Trial) -> Vectors:
    """How a sentence becomes one vector."""
    return words if trial.vectors == WORDS else VECTORS[trial.vectors]


def frozen(trial: Trial, bench: Bench) -> Tensor:
    """Classes by a linear head on frozen vectors: (N,), -1 at rows that nobody asked about."""
    read = features(bench.model, bench.material, vectors(trial), trial.pairs)
    gold, found = torch.from_numpy(bench.material.gold), _nothing(bench)
    for train, asked in bench.material.turns(bench.request.folds, trial.seed):
        classes = len(bench.question.classes)
        found[asked], _ = predicted_classes(read[train], gold[train], read[asked], classes, trial.seed)
    return found


def fine_tuned(trial: Trial, bench: Bench) -> Tensor:
    """Classes by encoders that were trained on, one a fold: (N,), -1 at rows that nobody asked about."""
    split, found = _sentences(bench.material), _nothing(bench)
    device, classes = bench.model.output.logits.weight.device, len(bench.question.classes)
    for train, asked in bench.material.turns(bench.request.folds, trial.seed):
        own = split_of([split[row] for row in train], bench.material.gold[train].astype(np.int16))
        epochs = partial(_epoch, own, bench.request.batch, trial.seed, device)
        tuned = fine_tune(bench.model, vectors(trial), epochs, classes, trial.seed, bench.request.setting)
        order = asked[np.argsort(split.lengths[asked], kind="stable")]
        found[order] = predict(tuned, (batch_of(split, rows).to(device) for rows in chunks(order, BATCH)))
    return found


def _sentences(material: Material) -> Split:
    """Sentences, or pairs as one sentence each."""
    return material.sentences if material.joined is None else material.joined


def _epoch(split: Split, size: int, seed: int, device: torch.device, number: int) -> Iterator[Batch]:
    return (batch.to(device) for batch in training_batches(split, size, np.random.default_rng([seed, number])))


def _nothing(bench: Bench) -> Tensor:
    return torch.full((len(bench.material.gold),), -1)
