"""Records a table of real trainings of two families, with their curves, for searches to be replayed on.

    python -m tests.benchmarks.searches.record_living [--file FILE] [--minutes M]

Every configuration of two small spaces, trained from three seeds as a study trains: patience, the best living epoch, and
a validation split in two. SeqVAE collapses often; of vMF the KL never moves, and its decoder may still ignore the code. A
row is appended as a training ends, so that a recording which was cut off goes on where it was. `trials_needed.py` reads the rows.
"""

import argparse
import csv
import itertools
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch

from uncollapse.models.corpus_info import CorpusInfo
from uncollapse.study.config import families, objectives
from uncollapse.study.corpora.corpus import Corpus
from uncollapse.study.corpora.prepare import prepare
from uncollapse.study.training.corpus_info import corpus_info_of
from uncollapse.study.training.stopping import Stopping
from uncollapse.study.training.training import Diverged, Effort, Task, Training

LIVING = Path(__file__).parent / "tables" / "living.csv"
CORPUS = {"name": "cafes", "sentences": 1000, "signal": "strong"}
EPOCHS, BATCH, SEEDS = 16, 32, (1, 2, 3)
EFFORT = Effort(subset_sentences=64, subset_samples=4, full_samples=8)
STOPPING = Stopping(patience=3, keep="best", bound="nll_iw", limits=objectives.limits(objectives.LIVING))
MEASURES = ("nll_iw", "mi", "latent_gain")
PARTS = {"encoder": {"hidden": 32}, "decoder": {"hidden": 32, "inject": ["state", "input"]}, "inputs": {"size": 32}}


@dataclass(frozen=True)
class Space:
    """A family and the levels of what is varied of it, by dotted name; `fixed` is laid over its page."""

    family: str
    fixed: Mapping[str, Any]
    levels: Mapping[str, tuple[Any, ...]]

    def points(self) -> list[dict[str, Any]]:
        return [dict(zip(self.levels, values, strict=True)) for values in itertools.product(*self.levels.values())]


ADAM = {"kind": "adam", "lr": 0.01, "clip": 5.0}
SPACES = {
    "seqvae": Space(
        "seqvae",
        {"optimizer": ADAM},
        {
            "optimizer.lr": (0.003, 0.008, 0.02, 0.05),
            "latent.size": (4, 16),
            "inputs.word_dropout": (0.0, 0.2, 0.4),
            "objective.kl.z.kind": ("constant", "linear"),
            "objective.kl.z.value": (0.03, 0.1, 0.3, 0.6, 1.0),
        },
    ),
    "vmf": Space(
        "vmf",
        {"optimizer": ADAM},
        {
            "optimizer.lr": (0.003, 0.008, 0.02, 0.05),
            "latent.size": (5, 10, 25),
            "latent.kappa": (5.0, 10.0, 20.0, 40.0, 80.0, 160.0),
            "decoder.dropout": (0.0, 0.2, 0.4),
        },
    ),
}


class Row(NamedTuple):
    """A recorded training.

    Args:
        family, point, seed: what was trained.
        curve: of each of MEASURES, a value an epoch on the sentences that choose.
        reported: of each of MEASURES, on those that report, with the weights that were kept; empty where it diverged.
        kept_epoch: from 1.
        seconds: of training and measuring epochs.
    """

    family: str
    point: Mapping[str, Any]
    seed: int
    curve: Mapping[str, tuple[float, ...]]
    reported: Mapping[str, float]
    kept_epoch: int
    seconds: float


HEADER = ("family", "point", "seed", *MEASURES, *(f"reported_{name}" for name in MEASURES), "kept_epoch", "seconds")


def annealed_by(point: Mapping[str, Any]) -> float:
    """The share of a training after which a point's weights change no more."""
    return 0.4 if point.get("objective.kl.z.kind") == "linear" else 0.0


def laid_over(space: Space, point: Mapping[str, Any]) -> dict[str, Any]:
    """A point as components over the family's page."""
    drawn: dict[str, Any] = {}
    for name, value in point.items():
        slot, _, option = name.partition(".")
        term, _, inner = option.rpartition(".")
        own = drawn.setdefault(slot, {})
        (own.setdefault(term, {}) if term else own)[inner or option] = value
    if annealed_by(point):
        drawn["objective"]["kl.z"] |= {"start": 0.0, "span": annealed_by(point)}
    return families.merge(space.fixed, drawn)


def trained(space: Space, point: Mapping[str, Any], seed: int, corpus: Corpus, corpus_info: CorpusInfo) -> list[str]:
    """The cells of one training after its name."""
    configuration = families.load(space.family).override(PARTS).configure(laid_over(space, point))
    task = Task(configuration, corpus_info, seed, EPOCHS, BATCH, EFFORT, stopping=STOPPING)
    training = Training(task, corpus.split("train"), corpus.split("valid"), torch.device("cpu"))
    try:
        for _ in training.epochs():
            pass
        reported = training.measure_split("reported", training.validation.reporting)
    except Diverged:
        reported = {}
    history = training.history
    curves = [" ".join(f"{epoch[f'subset/{name}']:.3f}" for epoch in history) for name in MEASURES]
    ends = [f"{reported[f'reported/{name}']:.4f}" if reported else "" for name in MEASURES]
    seconds = sum(epoch["cost/seconds"] for epoch in history)
    return [*curves, *ends, str(training.watch.kept_epoch), f"{seconds:.3f}"]


def named(point: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in point.items())


def rows(path: Path = LIVING) -> Iterator[Row]:
    """What was recorded."""
    points = {(of, named(point)): point for of, space in SPACES.items() for point in space.points()}
    if not path.exists():
        return
    with path.open(encoding="utf-8", newline="") as file:
        for cells in csv.DictReader(file):
            curve = {name: tuple(map(float, cells[name].split())) for name in MEASURES}
            reported = {name: float(cells[f"reported_{name}"]) for name in MEASURES if cells[f"reported_{name}"]}
            point = points[cells["family"], cells["point"]]
            kept, seconds = int(cells["kept_epoch"]), float(cells["seconds"])
            yield Row(cells["family"], point, int(cells["seed"]), curve, reported, kept, seconds)


def record(path: Path, until: float) -> None:
    """Train what is not there yet, a seed of every configuration before the next."""
    known = {(row.family, named(row.point), row.seed) for row in rows(path)}
    wanted = [(space, point, seed) for seed in SEEDS for space in SPACES.values() for point in space.points()]
    left = [place for place in wanted if (place[0].family, named(place[1]), place[2]) not in known]
    new = not path.exists()
    with tempfile.TemporaryDirectory() as cache, path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow(HEADER)
        corpus = prepare(CORPUS, Path(cache), Path())
        started = time.monotonic()
        for done, (space, point, seed) in enumerate(left):
            if time.monotonic() > until:
                return
            cells = trained(space, point, seed, corpus, corpus_info_of(corpus))
            writer.writerow([space.family, named(point), seed, *cells])
            file.flush()
            if done % 20 == 19:
                each = (time.monotonic() - started) / (done + 1)
                print(f"{done + 1} of {len(left)}, {each:.2f} s each", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--file", type=Path, default=LIVING)
    parser.add_argument("--minutes", type=float, default=240.0)
    request = parser.parse_args()
    torch.set_num_threads(1)
    record(request.file, time.monotonic() + 60 * request.minutes)
