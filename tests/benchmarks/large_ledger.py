"""What `status` of a large study costs: seconds and memory of a fresh process, reading everything and with a snapshot.

    python -m tests.benchmarks.large_ledger [TRIALS] [--epochs N] [--keep FOLDER]

Looks at a study of 100,000 trials by reading all of its ledger, as before there were snapshots; for the first time,
which writes one; again; and after some trials more. All of them have to say the same. The ledger is made of the lines
of 150 trials that were written as every study writes them, again and again under numbers, keys and times of their own,
with seals, since writing a hundred thousand for real takes an hour. The last column is the share of the
first row's CPU seconds, since the machine may be busy.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from tests.benchmarks.growth import NAME, alone, page
from uncollapse.cli.status import look
from uncollapse.study.outline import Outline
from uncollapse.study.storage.digest.known import Known
from uncollapse.study.storage.journal import Journal
from uncollapse.study.storage.ledger import Ledger
from uncollapse.study.storage.places import CREATE_STUDY, CREATE_TRIAL, Places
from uncollapse.study.storage.seals import Seal, sealed
from uncollapse.study.storage.tables import recorded
from uncollapse.study.storage.workspace import Workspace

WRITTEN = 100  # trials that are planned in the study that is written for real; the base of each family comes besides
DURATION = 600.0  # seconds from block to block
# Runs a command and says what it took. Of a process that a large one starts, Linux says that it held as much.
SMALL = """
import json, resource, subprocess, sys, time
began = time.perf_counter()
subprocess.run(sys.argv[2:], stdout=open(sys.argv[1], "w"), check=True)
took, used = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([took, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e6]))
"""
SHIFTED = ("time", "ended")  # attributes, and figures of epochs, that are moments


class Look(NamedTuple):
    """What a process took: seconds of the clock, CPU seconds of user and system, and the most MB that it held."""

    seconds: float
    cpu: float
    memory: float
    rows: list[dict[str, Any]]


class Whole(Known):
    """Reads everything through Optuna, whatever else there is."""

    def outlines(self) -> Sequence[Outline]:
        return recorded(Ledger(self.folder, self.name))


def entries(folder: Path, epochs: int) -> list[dict[str, Any]]:
    """What a small study writes into its ledger."""
    with patch.object(os, "fsync"):  # nothing of it is to outlive the machine
        alone(folder, page(folder, WRITTEN, epochs, "random"))
    return list(Journal(folder / NAME / "ledger.journal").read_logs(0))


def shifted(entry: Mapping[str, Any], block: int, trials: int) -> dict[str, Any]:
    """The same entry in another block of so many trials."""
    found = {name: value for name, value in entry.items() if name != "seal"}
    if "trial_id" in found:
        found["trial_id"] += trials * block
    for attributes in ("user_attr", "user_attrs"):
        if attributes in found:
            found[attributes] = {name: _moved(name, value, block) for name, value in found[attributes].items()}
    return found


def _moved(name: str, value: Any, block: int) -> Any:
    if name in ("key", "configuration_id"):
        return f"{block:06x}{value[6:]}"
    if name == "number":
        return value + block * WRITTEN
    if name in SHIFTED:
        return value + block * DURATION
    return {**value, "time": value["time"] + block * DURATION} if name.startswith("epoch/") else value


class Writer:
    """Writes block after block into a ledger.

    Args:
        path: of the ledger.
        template: entries of the first block.
    """

    def __init__(self, path: Path, template: list[dict[str, Any]]) -> None:
        self.path, self.template, self.places, self.number, self.blocks = path, template, Places(), 0, 0
        self.trials = sum(entry["op_code"] == CREATE_TRIAL for entry in template)  # of a block

    def write(self, blocks: int) -> None:
        """Append so many blocks."""
        with self.path.open("ab") as file:
            for _ in range(blocks):
                file.writelines(self._lines())
                self.blocks += 1

    def _lines(self) -> Iterator[bytes]:
        for entry in self.template:
            if self.blocks and entry["op_code"] <= CREATE_STUDY:
                continue
            log = shifted(entry, self.blocks, self.trials)
            self.number += 1
            body = json.dumps(log, separators=(",", ":")).encode()
            yield sealed(body, Seal(self.number, self.places.next(log)))


def whole(runs: Path) -> None:
    """`status --json`, reading everything."""
    workspace = Workspace(runs, NAME)
    print(json.dumps(look(workspace, Whole(workspace.folder, NAME)).plain()))


def looked(runs: Path, *words: str) -> Look:
    """What a command took that prints where the study is, as JSON, in a process of its own."""
    answer = runs / "said.json"
    command = [sys.executable, "-c", SMALL, str(answer), sys.executable, "-P", "-m", *words]
    found = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    rows = json.loads(answer.read_text())["rows"]
    assert sum(row["ended"] for row in rows) > 0
    return Look(*json.loads(found.stdout), rows=rows)


def made(runs: Path, trials: int, epochs: int) -> Writer:
    """A study of so many trials, all ended, that goes on writing."""
    workspace = Workspace(runs, NAME)
    with tempfile.TemporaryDirectory() as folder:
        template = entries(Path(folder), epochs)
    settings = page(runs, trials, epochs, "random").settings()
    workspace.write_facts({"study": NAME, "settings": settings, "corpus": {}, "code": "", "slots": 2})
    workspace.ledger.unlink(missing_ok=True)
    writer = Writer(workspace.ledger, template)
    writer.write(trials // writer.trials)
    return writer


def main(request: argparse.Namespace) -> None:
    """Print a row for each way of looking."""
    with tempfile.TemporaryDirectory() as temporary:
        runs = (request.keep or Path(temporary)).resolve()
        runs.mkdir(exist_ok=True)
        began = time.perf_counter()
        writer = made(runs, request.trials, request.epochs)
        size, took = writer.path.stat().st_size / 1e6, time.perf_counter() - began
        print(f"{request.trials:,} trials of {request.epochs} epochs, {size:,.0f} MB of ledger, made in {took:.0f} s")
        print(f"{'':24}{'s':>9}{'CPU s':>9}{'MB':>9}{'share':>9}", flush=True)
        status = ("uncollapse", "status", NAME, "--runs", str(runs), "--json")
        before = looked(runs, "tests.benchmarks.large_ledger", "--whole", str(runs))
        show("reading everything", before, before)
        for name in ("first look", "second look"):
            found = looked(runs, *status)
            show(name, found, before)
            assert found.rows == before.rows, name
        writer.write(1)
        show(f"after {writer.trials} trials more", looked(runs, *status), before)


def show(name: str, found: Look, before: Look) -> None:
    share = found.cpu / before.cpu
    print(f"{name:24}{found.seconds:9.1f}{found.cpu:9.1f}{found.memory:9.0f}{share:9.3f}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("trials", type=int, nargs="?", default=100_000)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="make the study in this folder and leave it there")
    parser.add_argument("--whole", type=Path, help=argparse.SUPPRESS)  # what a process of its own does
    asked = parser.parse_args()
    whole(asked.whole) if asked.whole else main(asked)
