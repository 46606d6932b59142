"""Records a table of real results: every setting of a small space, trained from three seeds; then the best from twenty.

    python -m tests.benchmarks.searches.record_table [--every FILE] [--best FILE] [--minutes M]

A row a training is appended as it ends, so that a recording which was cut off goes on where it was. The models are the SeqVAE
page's at a small size, on the built-in corpus; `trials_needed.py` and `racing.py` read the rows.
"""

import argparse
import csv
import itertools
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch

from uncollapse.models.corpus_info import CorpusInfo
from uncollapse.study.config import families
from uncollapse.study.config.families import Family
from uncollapse.study.corpora.corpus import Corpus
from uncollapse.study.corpora.prepare import prepare
from uncollapse.study.training.corpus_info import corpus_info_of
from uncollapse.study.training.training import Diverged, Effort, Task, Training

TABLES = Path(__file__).parent / "tables"
EVERY, BEST = TABLES / "cafes_every.csv", TABLES / "cafes_best.csv"
CORPUS = {"name": "cafes", "sentences": 1000, "signal": "strong"}
SMALL = {
    "inputs": {"size": 32, "word_dropout": 0.0},
    "encoder": {"kind": "recurrent", "cell": "gru", "hidden": 32},
    "latent": {"size": 8},
    "decoder": {"kind": "recurrent", "cell": "gru", "hidden": 32, "dropout": 0.0, "inject": ["state", "input"]},
    "optimizer": {"kind": "adam", "lr": 0.01, "clip": 5.0},
}
EPOCHS, BATCH = 4, 40
EFFORT = Effort(subset_sentences=96, subset_samples=4, full_samples=8)
SEEDS, MANY_SEEDS, FINALISTS = 3, 20, 8
MEASURES = ("nll_iw", "kl", "mi", "latent_gain", "hoyer_mean")


class Setting(NamedTuple):
    """One row of the space; `trials_needed.py` searches the same hyperparameters."""

    lr: float
    size: int
    dropout: float
    kind: str
    value: float


SPACE: dict[str, tuple[Any, ...]] = {
    "lr": (0.002, 0.004, 0.008, 0.016, 0.032, 0.064),
    "size": (2, 8, 32),
    "dropout": (0.0, 0.2, 0.4),
    "kind": ("constant", "linear"),
    "value": (0.05, 0.3, 1.0),
}
HEADER = (*SPACE, "seed", *(f"nll_iw_{epoch}" for epoch in range(1, EPOCHS)), *MEASURES)


def settings() -> list[Setting]:
    """All 324 of them."""
    return [Setting(*values) for values in itertools.product(*SPACE.values())]


def base() -> Family:
    return families.load("seqvae").override(SMALL)


def changes(setting: Setting) -> dict[str, Any]:
    """What a setting lays over the base."""
    schedule = {"kind": setting.kind, "value": setting.value}
    if setting.kind == "linear":
        schedule |= {"start": 0.0, "span": 0.5}
    return {
        "optimizer": {"lr": setting.lr},
        "latent": {"size": setting.size},
        "inputs": {"word_dropout": setting.dropout},
        "objective": {"kl.z": schedule},
    }


def trained(setting: Setting, seed: int, corpus: Corpus, corpus_info: CorpusInfo) -> dict[str, float]:
    """The measures of one training; no figure but infinity where it diverged."""
    task = Task(base().configure(changes(setting)), corpus_info, seed, EPOCHS, BATCH, EFFORT)
    training = Training(task, corpus.split("train"), corpus.split("valid"), torch.device("cpu"))
    try:
        epochs = list(training.epochs())
    except Diverged:
        return {}
    curve = {f"nll_iw_{number}": epoch["subset/nll_iw"] for number, epoch in enumerate(epochs[:-1], 1)}
    return curve | {name: epochs[-1][f"subset/{name}"] for name in MEASURES}


def rows(path: Path) -> Iterator[tuple[Setting, int, dict[str, float]]]:
    """What was recorded; a figure that is missing is infinity."""
    if not path.exists():
        return
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            setting = Setting(
                float(row["lr"]), int(row["size"]), float(row["dropout"]), row["kind"], float(row["value"])
            )
            figures = {name: float(row[name] or "inf") for name in HEADER[len(SPACE) + 1 :]}
            yield setting, int(row["seed"]), figures


def record(path: Path, wanted: Iterable[tuple[Setting, int]], until: float) -> bool:
    """Train what is not there yet; whether all of it is there now."""
    known = {(setting, seed) for setting, seed, _ in rows(path)}
    left = [pair for pair in wanted if pair not in known]
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as cache, _opened(path) as file:
        corpus = prepare(CORPUS, Path(cache), Path())
        corpus_info = corpus_info_of(corpus)
        for done, (setting, seed) in enumerate(left):
            if time.monotonic() > until:
                return False
            figures = trained(setting, seed, corpus, corpus_info)
            kept = {name: f"{value:.4f}" for name, value in figures.items()}
            csv.DictWriter(file, HEADER).writerow({**setting._asdict(), "seed": seed, **kept})
            file.flush()
            if done % 20 == 19:
                each = (time.monotonic() - started) / (done + 1)
                print(f"{path.name}: {done + 1} of {len(left)}, {each:.2f} s each", flush=True)
    return True


def _opened(path: Path) -> Any:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_text(",".join(HEADER) + "\r\n", encoding="utf-8", newline="")
    return path.open("a", encoding="utf-8", newline="")


def finalists(path: Path) -> list[Setting]:
    """The best settings by their mean over the first seeds, as a replicate stage would get them from its search."""
    found: dict[Setting, list[float]] = {}
    for setting, _, figures in rows(path):
        found.setdefault(setting, []).append(figures["nll_iw"])
    return sorted(found, key=lambda setting: sum(found[setting]) / len(found[setting]))[:FINALISTS]


def main(every: Path, best: Path, minutes: float) -> None:
    torch.set_num_threads(1)
    until = time.monotonic() + 60 * minutes
    if record(every, [(setting, seed) for seed in range(1, SEEDS + 1) for setting in settings()], until):
        chosen = finalists(every)
        pairs = [(setting, seed) for seed in range(SEEDS + 1, SEEDS + MANY_SEEDS + 1) for setting in chosen]
        record(best, pairs, until)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--every", type=Path, default=EVERY)
    parser.add_argument("--best", type=Path, default=BEST)
    parser.add_argument("--minutes", type=float, default=60.0)
    request = parser.parse_args()
    main(request.every, request.best, request.minutes)
