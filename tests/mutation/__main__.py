"""Puts small faults into copies of the product, one at a time, and runs the tests of the file's own folder on each.

    python -m tests.mutation [--sample N] [--seed S] [--results FILE] [--only TEXT] [FOLDER ...]

Prints every mutant that survives: a test has to be written for it, or it changes nothing. Results are kept in a file, so
that what was interrupted goes on where it was, and what survived is tried again with `--again` once tests were written.
A mutant whose tests take five times as long as without it counts as killed.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.mutation.sites import Mutant, files, mutants

ROOT = Path(__file__).parents[2]
FOLDERS = [
    "models",
    "study/training",
    "study/stages",
    "study/storage",
    "analysis/statistics",
    "analysis/collapse",
    "analysis/comparison",
    "analysis/sparsity",
]
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "runs", "__pycache__", ".*_cache", "*.egg-info", "site")
KILLED, SURVIVED = "killed", "survived"


def tests_of(path: str) -> str:
    """The folder of tests that mirrors a file's own, or the nearest one above it."""
    folder = Path("tests") / Path(path).parent
    while not (ROOT / folder).is_dir():
        folder = folder.parent
    return str(folder)


class Bench:
    """A copy of the project, in which tests are run."""

    def __init__(self, copy: Path) -> None:
        self.copy = copy
        self.usual: dict[str, float] = {}  # seconds that the tests of each folder take

    def verdict(self, mutant: Mutant) -> str:
        folder = tests_of(mutant.path)
        if folder not in self.usual:
            began = time.monotonic()
            if self._run(folder, None) != 0:
                raise SystemExit(f"{folder}: its tests have to pass without a fault, and do not")
            self.usual[folder] = time.monotonic() - began
        place = self.copy / mutant.path
        source = place.read_bytes()
        place.write_bytes(mutant.applied(source))
        try:
            return SURVIVED if self._run(folder, 30 + 5 * self.usual[folder]) == 0 else KILLED
        finally:
            place.write_bytes(source)

    def _run(self, folder: str, seconds: float | None) -> int | None:
        """The exit code of a folder's tests; None where they took too long."""
        command = [sys.executable, "-B", "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-m", "not slow", folder]
        environment = {**os.environ, "PYTHONPATH": str(self.copy), "OMP_NUM_THREADS": "1"}
        place = {"cwd": self.copy, "env": environment, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        try:
            return subprocess.run(command, **place, timeout=seconds, check=False).returncode  # type: ignore[call-overload]
        except subprocess.TimeoutExpired:
            return None


def drawn(folders: list[str], sample: int, seed: int, only: str) -> list[Mutant]:
    """A sample of all mutants, the same for the same seed and sources."""
    every = [one for path in files(ROOT, folders) for one in mutants(ROOT, path) if only in one.name]
    print(f"{len(every)} mutants, {min(sample, len(every))} of them drawn", flush=True)
    return random.Random(seed).sample(every, min(sample, len(every)))


def main(given: argparse.Namespace) -> int:
    known: dict[str, str] = json.loads(given.results.read_text()) if given.results.exists() else {}
    chosen = drawn(given.folders or FOLDERS, given.sample, given.seed, given.only)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder) / "project")
        shutil.copytree(ROOT, bench.copy, symlinks=True, ignore=LEFT_OUT)
        for number, mutant in enumerate(chosen, 1):
            if known.get(mutant.name) in ((KILLED,) if given.again else (KILLED, SURVIVED)):
                continue
            known[mutant.name] = bench.verdict(mutant)
            given.results.write_text(json.dumps(known, indent=1))
            print(f"[{number}/{len(chosen)}] {known[mutant.name]:8} {mutant.name}", flush=True)
    survivors = [one.name for one in chosen if known[one.name] == SURVIVED]
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} killed; survived:", *survivors, sep="\n  ")
    return int(bool(survivors))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", help="in place of what decides figures")
    parser.add_argument("--sample", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--results", type=Path, default=Path("mutants.json"))
    parser.add_argument("--only", default="", help="mutants in whose name this text is")
    parser.add_argument("--again", action="store_true", help="try again what survived")
    sys.exit(main(parser.parse_args()))
