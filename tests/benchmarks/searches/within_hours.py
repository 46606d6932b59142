"""What `search.hours` hands over beside a page's default numbers, in the same wall time on one CPU; and how well it keeps its time.

    python -m tests.benchmarks.searches.within_hours [--repetitions N] [--family FAMILY] [--folder FOLDER]

Each repetition has its own study seed. The page with default numbers is run to its end; then the same page is given as many
hours as that took. Each exported configuration is trained from fresh seeds, which neither study saw, and measured on
sentences that chose nothing. Regret is the bound of what the hours handed over, less that of the default page's.
"""

import argparse
import contextlib
import io
import statistics
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch

import uncollapse
from uncollapse.analysis.schema import DECISIVE
from uncollapse.analysis.verdict_rule import DEFAULT
from uncollapse.study.config import objectives
from uncollapse.study.corpora.prepare import prepare
from uncollapse.study.storage import exported_config
from uncollapse.study.training.corpus_info import corpus_info_of
from uncollapse.study.training.stopping import Stopping
from uncollapse.study.training.training import Effort, Task, Training

CORPUS = {"name": "cafes", "sentences": 600, "signal": "strong"}
PARTS = {
    "inputs": {"size": 32},
    "encoder": {"hidden": 32, "layers": 1},
    "decoder": {"hidden": 32, "layers": 1},
    "latent": {"size": 8},
    "optimizer": {"kind": "adam", "lr": 0.01, "clip": 5.0},
}
FRESH = range(900_001, 900_006)
EFFORT = Effort(subset_sentences=30, subset_samples=8, full_samples=32)


class Handed(NamedTuple):
    """What a study handed over.

    Args:
        seconds: of the wall, report included.
        nll: median of the fresh seeds, in nats; NaN where nothing was exported.
        alive: of the fresh seeds.
    """

    seconds: float
    nll: float
    alive: int


def page(name: str, family: str, seed: int, **search: Any) -> dict[str, Any]:
    return {
        "study": name,
        "corpus": {**CORPUS, "seed": seed},
        "families": [family],
        "search": search,
        "train": {"batch_size": 32},
        "evaluate": {"subset_sentences": EFFORT.subset_sentences, "full_samples": EFFORT.full_samples, "probes": []},
        "override": PARTS,
        "seed": seed,
    }


def handed_over(study: Mapping[str, Any], runs: Path) -> Handed:
    """Run a study, and train what it exports from fresh seeds."""
    began = time.monotonic()
    with contextlib.redirect_stdout(io.StringIO()):
        uncollapse.run(uncollapse.load_study(study), runs=runs, cpus=1)
    seconds = time.monotonic() - began
    exported = runs / study["study"] / "best" / f"{study['families'][0]}.yaml"
    if not exported.exists():
        return Handed(seconds, float("nan"), 0)
    measured = [fresh(exported, seed, runs) for seed in FRESH]
    alive = sum(all(one[f"reported/{name}"] >= getattr(DEFAULT, name) for name in DECISIVE) for one in measured)
    return Handed(seconds, statistics.median(one["reported/nll_iw"] for one in measured), alive)


def fresh(exported: Path, seed: int, runs: Path) -> Mapping[str, float]:
    """The measures of an exported configuration's training from a fresh seed, on sentences that chose nothing."""
    content = exported_config.read(exported, edited=False)
    corpus = prepare(content["corpus"], runs, runs, lambda said: None)
    train = content["train"]
    stopping = Stopping(train["patience"], train["keep"], "nll_iw", objectives.limits(objectives.LIVING))
    task = Task(
        content["model"],
        corpus_info_of(corpus),
        seed,
        train["epochs"],
        train["batch_size"],
        EFFORT,
        stopping=stopping,
    )
    training = Training(task, corpus.split("train"), corpus.split("valid"), torch.device("cpu"))
    for _ in training.epochs():
        pass
    return training.measure_split("reported", training.validation.reporting)


def main(repetitions: int, family: str, folder: Path) -> None:
    regrets, late = [], []
    for seed in range(1, repetitions + 1):
        runs = folder / f"repetition_{seed}"
        whole = handed_over(page("by_numbers", family, seed), runs)
        within = handed_over(page("by_hours", family, seed, hours=round(whole.seconds / 3600, 4)), runs)
        regrets.append(within.nll - whole.nll)
        late.append(within.seconds / whole.seconds - 1)
        print(
            f"{seed}: default {whole.seconds:.0f} s, {whole.nll:.3f} nats, alive {whole.alive} of {len(FRESH)}; within its "
            f"hours {within.seconds:.0f} s ({late[-1]:+.1%}), {within.nll:.3f} nats, alive {within.alive} of {len(FRESH)}; "
            f"regret {regrets[-1]:+.3f}",
            flush=True,
        )
    print(
        f"{family}, {repetitions} repetitions: regret {statistics.median(regrets):+.3f} nats ({min(regrets):+.3f} to "
        f"{max(regrets):+.3f}), time {min(late):+.1%} to {max(late):+.1%} of what was given"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--family", default="seqvae")
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        main(given.repetitions, given.family, given.folder or Path(temporary))
