"""Trials an hour and slot efficiency: ours against plain Ray Tune as its tutorials write it, the same trainings, in turn.

    python -m tests.benchmarks.scheduling [--trials N] [--pairs N] [--json FILE] [--quick]

Slot efficiency is seconds inside epochs (training and measures) over slots x seconds from the first trial's begin to the
last one's end; what is missing from 1 is building models, checkpoints, the ledger, Ray, idle slots. Trials an hour are of the
whole command: it includes starting Python and Ray and, on our side, tracking, report and export. Two ways of plain Tune:
with MLflow and a process a trial, and with worker reuse.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.machine import here
from tests.support.running_studies import left, page, run
from uncollapse.analysis.schema import SEARCH

SLOTS = 2
LENGTHS: Mapping[str, Mapping[str, Any]] = {  # corpus sentences, hidden units, epochs
    "about 5 s": {"sentences": 1500, "hidden": 64, "epochs": 9},
    "about 0.5 s": {"sentences": 300, "hidden": 32, "epochs": 5},
}
WAYS = ("ours", "plain", "plain, workers reused")


@dataclass(frozen=True)
class Measured:
    """One run of a study: seconds of the command, of the trials' span, and inside epochs; number of trials."""

    wall: float
    span: float
    inside: float
    trials: int

    @property
    def efficiency(self) -> float:
        return self.inside / (SLOTS * self.span)

    @property
    def an_hour(self) -> float:
        return 3600 * self.trials / self.wall


def ours(folder: Path, length: Mapping[str, Any], trials: int) -> Measured:
    """A search by `uncollapse run`, tracked on SQLite; leaves `study.json` for the plain script."""
    corpus = {"name": "cafes", "sentences": length["sentences"]}
    study = page(
        folder,
        families=["seqvae"],
        corpus=corpus,
        search={"trials": trials, "sampler": "tpe", "stop_early": "none"},
        replicate={"configurations": 1, "seeds": 1},
        train={"epochs": length["epochs"], "batch_size": 16},
        override={name: {size: length["hidden"]} for name, size in SIZES.items()},
    )
    began = time.perf_counter()
    run(study, folder / "runs")
    wall = time.perf_counter() - began
    every = left(folder / "runs")
    found = [record for record in every if record.stage == SEARCH]
    common = {"epochs": length["epochs"], "batch_size": 16, "evaluate": EVALUATE}
    jobs = [{**common, "configuration": record.configuration, "seed": record.seed} for record in found]
    given = {"job": jobs, "corpus": corpus, "cache": str(folder / "runs" / "corpora")}
    (folder / "study.json").write_text(json.dumps(given, default=str))
    span = max(record.ended for record in found) - min(record.started for record in found)
    return Measured(wall, span, sum(record.seconds for record in found), len(every))


SIZES = {"inputs": "size", "encoder": "hidden", "decoder": "hidden"}
EVALUATE = {"subset_sentences": 50, "subset_samples": 4, "full_samples": 8}


def plain(folder: Path, reuse: bool) -> Measured:
    """The same trainings by `tests.benchmarks.plain_tune`."""
    target = folder / ("reused" if reuse else "plain")
    command = [sys.executable, "-m", "tests.benchmarks.plain_tune", str(folder / "study.json"), str(target)]
    began = time.perf_counter()
    subprocess.run([*command, *(["--reuse"] if reuse else [])], check=True, capture_output=True, env=os.environ)
    wall = time.perf_counter() - began
    found = json.loads((target / "trials.json").read_text())
    span = max(one["ended"] for one in found) - min(one["started"] for one in found)
    return Measured(wall, span, sum(one["inside"] for one in found), len(found))


def pair(length: Mapping[str, Any], trials: int) -> dict[str, Measured]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        return dict(zip(WAYS, (ours(folder, length, trials), plain(folder, False), plain(folder, True)), strict=True))


def row(title: str, way: str, pairs: list[dict[str, Measured]]) -> dict[str, Any]:
    """Medians over the pairs of one way of running."""
    own = [one[way] for one in pairs]
    ratios = [one["ours"].an_hour / one[way].an_hour for one in pairs]
    return {
        "trials": title,
        "way": way,
        "seconds a trial": statistics.median(one.inside / one.trials for one in own),
        "slot efficiency": statistics.median(one.efficiency for one in own),
        "trials an hour": statistics.median(one.an_hour for one in own),
        "ours over this": statistics.median(ratios),
        "runs": [asdict(one) for one in own],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--pairs", type=int, default=1)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true", help="8 trials of the short length")
    given = parser.parse_args()
    print(here())
    rows = []
    for title, length in LENGTHS.items():
        if given.quick and title != "about 0.5 s":
            continue
        pairs = [pair(length, 8 if given.quick else given.trials) for _ in range(given.pairs)]
        for way in WAYS:
            rows.append(row(title, way, pairs))
            print(
                "  ".join(
                    f"{name} {value:.3g}" if isinstance(value, float) else f"{value}"
                    for name, value in rows[-1].items()
                    if name != "runs"
                ),
                flush=True,
            )
    if given.json:
        given.json.write_text(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
