"""What ending a training early saves, and what the best epoch's weights gain, on real text.

    python -m tests.benchmarks.searches.best_epoch [--epochs N] [--sentences N] [--seeds N]

Each model is trained twice from the same seed: to its last epoch, whose weights count, and with patience, whose best epoch
counts. Both are the same updates as long as both last. They are measured on the half of the validation split that chooses
nothing. Reads Penn Treebank and E2E from `../shared/data`; without it there is nothing to measure.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch

from tests.support.places import SHARED
from uncollapse.study.config import families, objectives
from uncollapse.study.corpora.corpus import Corpus
from uncollapse.study.corpora.prepare import prepare
from uncollapse.study.training.corpus_info import corpus_info_of
from uncollapse.study.training.stopping import Stopping
from uncollapse.study.training.training import Effort, Task, Training

SIZES = (32, 64, 128)
FAMILIES = ("lstm_lm", "seqvae", "vmf")
PATIENCE = 5
CORPORA: Mapping[str, Mapping[str, Any]] = {
    "ptb": {"path": "ptb", "format": "lines"},
    "e2e": {
        "path": "e2e",
        "format": "csv",
        "text": "ref",
        "train": "trainset.csv",
        "valid": "devset.csv",
        "test": "testset_w_refs.csv",
    },
}
EFFORT = Effort(subset_sentences=200, subset_samples=8, full_samples=32)


class Ended(NamedTuple):
    """A training: its epochs, the one that counts, its seconds, and what its weights reach on sentences that chose
    nothing."""

    epochs: int
    kept_epoch: int
    seconds: float
    nll: float
    mi: float


def corpus_of(name: str, sentences: int, folder: Path) -> Corpus:
    page = CORPORA[name]
    limit = {"train": sentences, "valid": 1000, "test": 100}
    settings = {"name": "files", **page, "path": str(SHARED / "data" / page["path"])}
    return prepare({**settings, "limit": limit, "max_words": 30, "vocabulary": 2000}, folder, folder, lambda said: None)


def configuration(family: str, size: int) -> dict[str, Any]:
    """The family's page at a size that two cores train in minutes; SeqVAE with a weight at which its code is used."""
    parts: dict[str, Any] = {"inputs": {"size": size}, "decoder": {"hidden": size, "layers": 1}}
    parts["optimizer"] = {"kind": "adam", "lr": 0.01, "clip": 5.0}
    if family != "lstm_lm":
        parts |= {"encoder": {"hidden": size, "layers": 1}, "latent": {"size": 16}}
    if family == "seqvae":
        parts["objective"] = {"kl.z": {"kind": "constant", "value": 0.3}}
    return families.load(family).configure(parts)


def end(task: Task, corpus: Corpus) -> Ended:
    training = Training(task, corpus.split("train"), corpus.split("valid"), torch.device("cpu"))
    began = time.process_time()
    for _ in training.epochs():
        pass
    seconds = time.process_time() - began
    found = training.measure_split("reported", training.validation.reporting)
    nll = found.get("reported/nll_iw", found.get("reported/nll_exact"))
    epochs = len(training.history)
    kept = training.watch.kept_epoch if task.stopping.keep == "best" else epochs
    return Ended(epochs, kept, seconds, float(nll or "nan"), float(found.get("reported/mi", "nan")))


def pairs(corpus: Corpus, family: str, size: int, epochs: int, seeds: int) -> Iterator[tuple[Ended, Ended]]:
    """(to the last epoch, with patience), a pair a seed."""
    limits = objectives.limits(objectives.LIVING)
    for seed in range(1, seeds + 1):
        rules = Stopping(), Stopping(patience=PATIENCE, keep="best", bound="nll_iw", limits=limits)
        task = (configuration(family, size), corpus_info_of(corpus), seed, epochs, 32, EFFORT)
        first, second = (end(Task(*task, stopping=rule), corpus) for rule in rules)
        yield first, second


def line(found: list[tuple[Ended, Ended]]) -> str:
    """Medians over seeds."""
    saved = statistics.median(1 - early.seconds / whole.seconds for whole, early in found)
    gained = statistics.median(whole.nll - early.nll for whole, early in found)
    whole, early = (statistics.median(side.nll for side in sides) for sides in zip(*found, strict=True))
    mi = [statistics.median(side.mi for side in sides) for sides in zip(*found, strict=True)]
    kept = "/".join(str(one.kept_epoch) for _, one in found)
    epochs = "/".join(str(one.epochs) for _, one in found)
    return (
        f"epochs {epochs}, kept {kept}; seconds saved {saved:4.0%}; NLL {whole:.2f} -> {early:.2f} nats, gained {gained:+.2f}; "
        f"mi {mi[0]:.2f} -> {mi[1]:.2f}"
    )


def main(epochs: int, sentences: int, seeds: int) -> None:
    torch.set_num_threads(1)
    if not SHARED.exists():
        print("no ../shared: nothing to measure")
        return
    with tempfile.TemporaryDirectory() as folder:
        for name in CORPORA:
            corpus = corpus_of(name, sentences, Path(folder))
            print(
                f"{name}: {sentences} sentences, {len(corpus.vocabulary)} words, {epochs} epochs, patience {PATIENCE}"
            )
            for size in SIZES:
                for family in FAMILIES:
                    found = list(pairs(corpus, family, size, epochs, seeds))
                    print(f"  size {size:3} {family:8} {line(found)}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--sentences", type=int, default=2000)
    parser.add_argument("--seeds", type=int, default=3)
    main(**vars(parser.parse_args()))
