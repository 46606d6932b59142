"""Wall time of a study in reused worker processes against a new process for every trial, in turn.

python -m tests.benchmarks.worker_reuse [pairs]
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.support.running_studies import page, run

SEARCH = {"trials": 12, "sampler": "random", "stop_early": "none"}


def seconds(study: Path, runs: Path, *more: str) -> float:
    started = time.perf_counter()
    run(study, runs, *more)
    return time.perf_counter() - started


def main(pairs: int) -> None:
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        study = page(Path(folder), search=SEARCH, train={"epochs": 2, "batch_size": 32})
        for pair in range(pairs):
            reused = seconds(study, Path(folder) / f"reused-{pair}")
            fresh = seconds(study, Path(folder) / f"fresh-{pair}", "--fresh-workers")
            ratios.append(fresh / reused)
            print(f"pair {pair + 1}: reused {reused:.1f} s, fresh {fresh:.1f} s, ratio {ratios[-1]:.2f}", flush=True)
    print(f"fresh / reused: median {statistics.median(ratios):.2f}, {min(ratios):.2f} to {max(ratios):.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
