"""Start-up: light commands against an empty Python, in turn; with `--quickstart`, a new user's way from clone to report.

    python -m tests.benchmarks.startup [--turns N] [--json FILE] [--quick] [--quickstart]

The quickstart is `git clone`, `make install` into a new environment and `make quickstart`, each timed; the last one's parts
are told apart by the lines that it prints.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.benchmarks.machine import here
from tests.support.places import ROOT

UNCOLLAPSE = str(Path(sys.executable).parent / "uncollapse")
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "uncollapse --help": [UNCOLLAPSE, "--help"],
    "uncollapse families": [UNCOLLAPSE, "families"],
    "uncollapse show vmf": [UNCOLLAPSE, "show", "vmf"],
}
SIGNS = {  # what `make quickstart` prints when a part begins
    "corpus": "generating",
    "starting Ray": "starting Ray",
    "search": "search:",
    "replicate": "replicate:",
    "report and export": "writing the report",
}


def seconds(command: Sequence[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def light(turns: int) -> dict[str, list[float]]:
    """Seconds of every command, `turns` times in turn after one that warms the disk's cache."""
    found: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for turn in range(turns + 1):
        for name, command in COMMANDS.items():
            took = seconds(command)
            if turn:
                found[name].append(took)
    return found


def quickstart() -> Iterator[tuple[str, float]]:
    """Seconds of every part of a new user's first hour."""
    with tempfile.TemporaryDirectory() as name:
        clone = Path(name) / "uncollapse"
        yield "git clone", seconds(["git", "clone", "--quiet", str(ROOT), str(clone)])
        yield "make install", seconds(["make", "--directory", str(clone), "install"])
        yield from parts(clone)


def parts(clone: Path) -> Iterator[tuple[str, float]]:
    """The parts of `make quickstart`, by the first line of each."""
    command = ["make", "--directory", str(clone), "quickstart"]
    part, began = "starting Python", time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            following = next((title for title, sign in SIGNS.items() if line.startswith(sign)), None)
            if following:
                yield part, time.perf_counter() - began
                part, began = following, time.perf_counter()
    assert process.returncode == 0, f"make quickstart ended with {process.returncode}"
    yield part, time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=15)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true", help="3 turns")
    parser.add_argument("--quickstart", action="store_true", help="a clone, an environment and the built-in study too")
    given = parser.parse_args()
    print(here())
    found = light(3 if given.quick else given.turns)
    empty = found["python -c pass"]
    rows: dict[str, object] = {}
    for name, took in found.items():
        ratios = [one / other for one, other in zip(took, empty, strict=True)]
        rows[name] = {"ms": 1000 * statistics.median(took), "over python": statistics.median(ratios), "all": took}
        print(f"{name:<22}{1000 * statistics.median(took):7.0f} ms  {statistics.median(ratios):5.1f} x an empty Python")
    for part, took in quickstart() if given.quickstart else ():
        rows[part] = took
        print(f"{part:<22}{took:7.1f} s", flush=True)
    if given.json:
        given.json.write_text(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
