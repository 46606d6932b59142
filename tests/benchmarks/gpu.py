"""One GPU: its idle share under one trial, trials packed side by side, mixed precision, compilation, seeds as one batch.

    python -m tests.benchmarks.gpu [--families NAME ...] [--packed N ...] [--seconds S] [--device cuda|cpu] [--mps]
                                   [--json FILE] [--quick]

Every trial is a process that trains a family of its page's size on sentences of the generated corpus; all begin
together and are counted for the same seconds. A trial is taken as 10 epochs over 10,000 sentences, so trials an hour follow
from sentences a second. `--mps` repeats the packing under NVIDIA's multi-process service, which it starts and stops.
Without a GPU the same is done on the CPU in small, as with `--quick`, which checks that it runs.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from tests.benchmarks.gpu_trial import VARIANTS
from tests.benchmarks.machine import here

SENTENCES_OF_A_TRIAL = 10 * 10_000
BATCHED = "g_nvdm"  # the only kind that torch.func can batch, see `seeds_together`
Row = dict[str, Any]


def side_by_side(request: argparse.Namespace, cache: Path, family: str, count: int, variant: str) -> Row:
    """`count` trials at once; sentences a second of all together, and the GPU's idle share meanwhile."""
    command = [sys.executable, "-m", "tests.benchmarks.gpu_trial", str(cache), family, variant, request.device]
    own = [[*command, str(seed), str(request.seconds)] for seed in range(count)]
    with started(own) as trials:
        for trial in trials:
            assert trial.stdout is not None
            assert trial.stdout.readline() == "ready\n", "a trial did not come up"
        with watched(request.device) as busy:
            for trial in trials:
                print("go", file=trial.stdin, flush=True)
            found = [json.loads(trial.stdout.readline()) for trial in trials if trial.stdout]
    sentences = sum(one["sentences"] / one["seconds"] for one in found)
    idle = 1 - statistics.mean(busy) / 100 if busy else 1 - statistics.mean(one["cpu share"] for one in found)
    return {
        "family": family,
        "variant": variant,
        "at once": count,
        "trials an hour": 3600 * sentences / SENTENCES_OF_A_TRIAL,
        "idle": idle,
        "GPU MB a trial": max(one["GPU MB"] for one in found),
    }


@contextmanager
def started(commands: Sequence[Sequence[str]]) -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that are spoken to, none of which outlives this."""
    pipe = subprocess.PIPE
    trials = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for command in commands]
    try:
        yield trials
    finally:
        for trial in trials:
            trial.kill()
            trial.communicate()


@contextmanager
def watched(device: str) -> Iterator[list[float]]:
    """Percent of the time in which the GPU ran a kernel, a reading every 200 ms; nothing for a CPU."""
    busy: list[float] = []
    if device == "cpu":
        yield busy
        return
    command = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "--loop-ms=200"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield busy
        process.terminate()
        assert process.stdout is not None
        busy += [float(line) for line in process.stdout.read().split()]


@contextmanager
def multi_process_service(folder: Path) -> Iterator[Mapping[str, str]]:
    """NVIDIA's service that lets kernels of several processes run at once."""

    own = {"CUDA_MPS_PIPE_DIRECTORY": str(folder / "pipe"), "CUDA_MPS_LOG_DIRECTORY": str(folder / "log")}
    for place in own.values():
        Path(place).mkdir(parents=True)
    os.environ.update(own)
    subprocess.run(["nvidia-cuda-mps-control", "-d"], check=True)
    try:
        yield own
    finally:
        subprocess.run(["nvidia-cuda-mps-control"], input="quit\n", text=True, check=True)
        for name in own:
            del os.environ[name]


def rows(request: argparse.Namespace, cache: Path) -> Iterator[Row]:
    for family in request.families:
        for variant in request.variants:
            yield side_by_side(request, cache, family, 1, variant)
        for count in request.packed:
            yield side_by_side(request, cache, family, count, "float32")
        if request.mps:
            with multi_process_service(cache / f"mps-{family}"):
                for count in request.packed:
                    yield {**side_by_side(request, cache, family, count, "float32"), "variant": "float32 under MPS"}
    for count in request.packed:
        yield side_by_side(request, cache, BATCHED, count, "float32")
        yield {**side_by_side(request, cache, BATCHED, 1, f"{count} seeds in one"), "at once": count}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", nargs="+", default=["seqvae", "vmf", "vat"])
    parser.add_argument("--packed", nargs="+", type=int, default=[2, 4, 8, 16])
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS), choices=list(VARIANTS))
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu", choices=("cuda", "cpu"))
    parser.add_argument("--mps", action="store_true", help="the packing again under the multi-process service")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true", help="one family, two at once, 3 seconds; so without a GPU")
    request = parser.parse_args()
    if request.quick or request.device == "cpu":  # sixteen at once on a CPU tell nothing of a GPU
        request.families, request.packed, request.seconds = ["seqvae"], [2], 3.0
        request.variants = ["float32", "bfloat16"]
    print(torch.cuda.get_device_name() if request.device == "cuda" else "no GPU: on the CPU, in small", here())
    found = []
    with tempfile.TemporaryDirectory() as name:
        for row in rows(request, Path(name)):
            found.append(row)
            print(
                f"{row['family']:<8}{row['variant']:<18}{row['at once']:>3} at once{row['trials an hour']:10.1f} trials an hour"
                f"   idle {row['idle']:.2f}   {row['GPU MB a trial']:.0f} MB of GPU a trial",
                flush=True,
            )
    if request.json:
        request.json.write_text(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
