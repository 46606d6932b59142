"""Slot efficiency of a search: seconds inside training over slots x wall seconds.

    python -m tests.benchmarks.slot_efficiency [trials a family] [epochs]

Seconds inside training are those of the epochs, measures included; wall seconds run from the start of the first trial to the end
of the last. Building models, checkpoints, the ledger, Ray and idle slots are what is missing from 1.
"""

import sys
import tempfile
from pathlib import Path

from tests.support.running_studies import left, page, run
from uncollapse.analysis.schema import SEARCH

SLOTS = 2
FAMILIES = ["seqvae", "maxpool", "vmf", "lstm_lm"]


def main(trials: int, epochs: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        study = page(
            Path(folder),
            families=FAMILIES,
            corpus={"name": "cafes", "sentences": 1500},
            search={"trials": trials, "sampler": "tpe", "stop_early": "none"},
            replicate={"configurations": 1, "seeds": 1},
            train={"epochs": epochs, "batch_size": 16},
            override={"inputs": {"size": 64}, "encoder": {"hidden": 64}, "decoder": {"hidden": 64}},
        )
        run(study, Path(folder) / "runs")
        found = [record for record in left(Path(folder) / "runs") if record.stage == SEARCH]
    inside = sum(record.seconds for record in found)
    wall = max(record.ended for record in found) - min(record.started for record in found)
    print(
        f"{len(found)} trials of {inside / len(found):.1f} s on {SLOTS} slots: {inside:.0f} s inside, {wall:.0f} s wall"
    )
    print(f"slot efficiency {inside / (SLOTS * wall):.3f}")


if __name__ == "__main__":
    main(*[int(argument) for argument in sys.argv[1:]] or (12, 6))
