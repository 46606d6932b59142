"""How long a study will take and how much memory: a few updates and an evaluation of every family, on the corpus."""

import resource
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch

from uncollapse.search_spaces import space
from uncollapse.study.config.families import Family
from uncollapse.study.config.study_page import Study
from uncollapse.study.corpora.corpus import Corpus
from uncollapse.study.errors import UserError
from uncollapse.study.training import devices, memory
from uncollapse.study.training.batches import BUCKET_BATCHES, training_batches
from uncollapse.study.training.corpus_info import corpus_info_of
from uncollapse.study.training.training import Effort, Training, task_of
from uncollapse.study.training.validation import refuse_few

UPDATES = 8
WARM = 2  # the first updates pay for memory and code paths that later ones find ready


@dataclass(frozen=True)
class Estimate:
    """Expected cost of one trial of a family, with every searched hyperparameter in the middle of its range.

    Args:
        family: its name.
        search_seconds, replicate_seconds: of one trial that is not stopped early.
        parameters: of the model.
        checkpoint_bytes: on disk while it runs.
        device: `cpu`, or the GPU's name.
        gpu_bytes: of the GPU's memory at most, what CUDA itself takes included; 0 on a CPU.
        gpu_total: bytes of that GPU; 0 on a CPU.
        process_bytes: of memory that the process had at most so far, all families before it included.
    """

    family: str
    search_seconds: float
    replicate_seconds: float
    parameters: int
    checkpoint_bytes: int
    device: str
    gpu_bytes: int
    gpu_total: int
    process_bytes: int

    def of_epochs(self, epochs: int, now: int) -> "Estimate":
        """The same of trainings of `now` epochs, where it was of `epochs`."""
        search = self.search_seconds / epochs * now
        return replace(
            self, search_seconds=search, replicate_seconds=search + self.replicate_seconds - self.search_seconds
        )


def calibrate(study: Study, corpus: Corpus) -> Iterator[Estimate]:
    """Estimates, family by family, on the device that a trial here would get."""
    refuse_few(corpus)
    torch.set_num_threads(max(1, int(study.resources.cpus)))
    for family in study.families:
        yield _estimate(study, corpus, family)


def _estimate(study: Study, corpus: Corpus, family: Family) -> Estimate:
    train, valid = corpus.split("train"), corpus.split("valid")
    typical = space.draw(family.search, lambda name, leaf: leaf.middle)
    effort = Effort.of(asdict(study.evaluate))
    task = task_of(family.configure(typical), corpus_info_of(corpus), 0, asdict(study.train), effort)
    device = devices.device_of(study.resources.gpus)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    if error := memory.error(task.configuration, task.corpus_info, device):
        raise UserError(f"{family.name}: {error}")
    training = Training(task, train, valid, device)
    update = _seconds_a_step(training, study.train.batch_size)
    started = time.perf_counter()
    training.measure("subset", training.subset, study.evaluate.subset_samples)
    measure = time.perf_counter() - started
    epochs = study.train.epochs * (update * steps(train.lengths, study.train.batch_size) + measure)
    subset, reporting = (int(part.offsets[-1]) + len(part) for part in training.validation)  # words and ends
    full = measure * reporting / subset * study.evaluate.full_samples / study.evaluate.subset_samples
    size = sum(parameter.numel() for parameter in training.model.parameters())
    disk = 4 * size * 3  # weights and Adam's two moments
    return Estimate(family.name, epochs, epochs + full, size, disk, devices.named(device), *_memory(device))


def _memory(device: torch.device) -> tuple[int, int, int]:
    """(bytes of the GPU at most, bytes of the whole GPU, bytes of the process at most)."""
    process = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if device.type != "cuda":
        return 0, 0, process
    free, total = torch.cuda.mem_get_info(device)
    context = (
        total - free - torch.cuda.memory_reserved(device)
    )  # too much where others use the GPU, which is the safe side
    return torch.cuda.max_memory_reserved(device) + context, total, process


def steps(lengths: np.ndarray, size: int) -> int:
    """Steps of an epoch's batches, each as many as its longest sentence has words and its end: one line of a whole
    book costs as much as all others. Batches are made as `training_batches` makes them."""
    order = np.random.default_rng(0).permutation(lengths) + 1
    buckets = np.split(order, range(size * BUCKET_BATCHES, len(order), size * BUCKET_BATCHES))
    starts = [np.arange(0, len(bucket), size) for bucket in buckets]
    return sum(
        int(np.maximum.reduceat(np.sort(bucket), start).sum()) for bucket, start in zip(buckets, starts, strict=True)
    )


def _seconds_a_step(training: Training, batch_size: int) -> float:
    """Of a batch's update, the median; a step is a word of its longest sentence."""
    batches = training_batches(training.train_split, batch_size, np.random.default_rng(0))
    seconds = []
    for batch, _ in zip(batches, range(WARM + UPDATES), strict=False):
        started = time.perf_counter()
        training.update(batch.to(training.device))
        if training.device.type == "cuda":
            torch.cuda.synchronize(training.device)
        seconds.append((time.perf_counter() - started) / batch.tokens.shape[1])
    return float(np.median(seconds[WARM:] or seconds))
