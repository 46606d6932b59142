"""One trial of `tests.benchmarks.gpu`: trains for some seconds once it is told to, and says how far it came.

python -m tests.benchmarks.gpu_trial CACHE FAMILY VARIANT DEVICE SEED SECONDS
"""

import itertools
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tests.benchmarks.seeds_together import SeedsTogether
from uncollapse.models.batch import Batch
from uncollapse.models.objective import Objective
from uncollapse.models.text_vae import TextVAE
from uncollapse.study.config import families
from uncollapse.study.config.families import merge
from uncollapse.study.corpora.prepare import prepare
from uncollapse.study.training import devices
from uncollapse.study.training.batches import training_batches
from uncollapse.study.training.corpus_info import corpus_info_of
from uncollapse.study.training.training import Effort, Task, Training

BATCH, SENTENCES, WARM = 32, 10_000, 5
SMALL = {"inputs": {"size": 32}, "encoder": {"hidden": 32}, "decoder": {"hidden": 32}}  # on a CPU
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "float32": {},
    "fastest kernels": {"deterministic": False},
    "bfloat16": {"precision": "bfloat16"},
    "compiled": {"compile": "default"},
    "CUDA graphs": {"compile": "reduce-overhead"},
}
Step = Callable[[Batch], object]


def training(cache: Path, family: str, device: torch.device, seed: int, options: Mapping[str, Any]) -> Training:
    """A training of the family's own size, or a small one on a CPU."""
    corpus = prepare({"name": "cafes", "sentences": SENTENCES}, cache, Path())
    settings = families.load(family).configure({})
    if device.type == "cpu":
        settings = merge(settings, {slot: own for slot, own in SMALL.items() if "heads" not in settings[slot]})
    task = Task(
        settings,
        corpus_info_of(corpus),
        seed,
        10,
        BATCH,
        Effort(64, 2, 2),
        options.get("precision", "float32"),
        options.get("deterministic", True),
    )
    return Training(task, corpus.split("train"), corpus.split("valid"), device)


def stepping(own: Training, device: torch.device, options: Mapping[str, Any]) -> Step:
    """One update of a training under a variant."""
    if mode := options.get("compile"):
        own.model.trace = torch.compile(own.model.trace, mode=mode, dynamic=True)  # type: ignore[method-assign]
    own.model.train()

    def step(batch: Batch) -> object:
        with devices.autocast(device, own.task.precision):
            return own.update(batch)

    return step


def together(own: Training, device: torch.device, count: int) -> Step:
    """One update of `count` seeds at once."""
    models = []
    for seed in range(count):
        torch.manual_seed(seed)
        models.append(TextVAE(own.task.configuration, own.task.corpus_info).to(device).train())
    return SeedsTogether(models, Objective(own.task.configuration["objective"], 1000), 1e-3, 5.0)


def batches(own: Training, device: torch.device) -> Iterator[Batch]:
    for epoch in itertools.count():
        for batch in training_batches(own.train_split, BATCH, np.random.default_rng(epoch)):
            yield batch.to(device)


def main(cache: Path, family: str, variant: str, where: str, seed: int, seconds: float) -> None:
    torch.set_num_threads(1)
    device, options = torch.device(where), VARIANTS.get(variant, {})
    own = training(cache, family, device, seed, options)
    count = int(variant.split()[0]) if variant.endswith("seeds in one") else 1
    step = together(own, device, count) if count > 1 else stepping(own, device, options)
    text = batches(own, device)
    for batch in itertools.islice(text, WARM):
        step(batch)
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(counted(step, text, device, seconds, count)), flush=True)


def counted(step: Step, text: Iterator[Batch], device: torch.device, seconds: float, count: int) -> dict[str, float]:
    """Sentences in so many seconds, those of every seed counted."""
    sentences, began, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - began < seconds:
        batch = next(text)
        step(batch)
        sentences += len(batch.tokens) * count
    if device.type == "cuda":
        torch.cuda.synchronize()
    took = time.perf_counter() - began
    memory = torch.cuda.max_memory_reserved() / 2**20 if device.type == "cuda" else 0.0
    share = (time.process_time() - cpu) / took
    return {"sentences": sentences, "seconds": took, "cpu share": share, "GPU MB": memory}


if __name__ == "__main__":
    given = sys.argv[1:]
    main(Path(given[0]), given[1], given[2], given[3], int(given[4]), float(given[5]))
