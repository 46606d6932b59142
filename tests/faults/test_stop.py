"""A running study stopped, paused and left at once; it goes on each time and ends as if it had never been touched."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.running_studies import epochs, figures, left, page, run, running, wait_until
from uncollapse.analysis.schema import FINISHED, RUNNING

pytestmark = pytest.mark.slow
LONG = {
    "families": ["maxpool", "vmf"],
    "search": {"trials": 1, "sampler": "random", "stop_early": "none"},
    "replicate": {"configurations": 1, "seeds": 1},
    "train": {"epochs": 50, "batch_size": 16},
}
STOPPED = 130


def word(runs: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """`uncollapse stop`, `pause` or `resume`, from another process."""
    command = [sys.executable, "-P", "-m", "uncollapse", *words, "faulty", "--runs", str(runs)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_every_way_to_stop_loses_nothing(tmp_path: Path) -> None:
    study, runs, log = page(tmp_path, **LONG), tmp_path / "stopped", tmp_path / "log"
    run(study, tmp_path / "undisturbed")

    def until(more: int, process: subprocess.Popen[str]) -> None:
        goal = epochs(runs, "search") + more
        wait_until(lambda: epochs(runs, "search") >= goal, f"{more} more epochs", process)

    waits = {}
    for way in ("Ctrl-C", "SIGTERM", "uncollapse stop", "uncollapse stop --now", "Ctrl-C twice"):
        with running(study, runs, log) as process:
            until(6, process)
            asked = time.monotonic()
            match way:
                case "Ctrl-C":
                    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: Ray's processes get it too
                case "SIGTERM":
                    process.terminate()
                case "Ctrl-C twice":
                    process.send_signal(signal.SIGINT)
                    time.sleep(0.05)
                    process.send_signal(signal.SIGINT)
                case _:
                    assert word(runs, *way.split()[1:]).returncode == 0
            assert process.wait(timeout=90) == STOPPED, log.read_text()[-2000:]
            waits[way] = round(time.monotonic() - asked, 1)
        assert "Traceback" not in log.read_text()
        assert all(record.state in (RUNNING, FINISHED) for record in left(runs))
        assert not (runs / "faulty" / "control").exists()
    print(f"seconds from the wish to the end: {waits}; epochs by then {epochs(runs, 'search')} of 100")

    with running(study, runs, log) as process:
        until(4, process)
        assert word(runs, "pause").returncode == 0
        wait_until(lambda: "paused: nothing trains" in log.read_text(), "the pause", process)
        paused = epochs(runs, "search")
        time.sleep(4)
        assert epochs(runs, "search") == paused, "nothing trains in a pause"
        assert word(runs, "resume").returncode == 0
        assert process.wait(timeout=240) == 0, log.read_text()[-2000:]
    assert figures(left(runs)) == figures(left(tmp_path / "undisturbed"))
    refused = word(runs, "stop")
    assert refused.returncode == 2
    assert "no process is running it" in refused.stderr


def test_a_finished_study_grows(tmp_path: Path) -> None:
    small = {"families": ["lstm_lm", "seqvae"], "train": {"epochs": 2, "batch_size": 32}}
    search = {"trials": 2, "sampler": "random", "stop_early": "none"}
    first = {**small, "search": search, "replicate": {"configurations": 1, "seeds": 2}}
    run(page(tmp_path, **first), tmp_path / "runs")
    before = figures(left(tmp_path / "runs"))
    larger = {"search": {**search, "trials": 4}, "replicate": {"configurations": 2, "seeds": 3}}
    families = [*small["families"], "vmf"]
    run(page(tmp_path, **{**small, **larger, "families": families}), tmp_path / "runs")
    grown = left(tmp_path / "runs")
    counts = {
        (stage, name): sum((r.stage, r.family) == (stage, name) for r in grown)
        for stage in ("search", "replicate")
        for name in families
    }
    print(f"{len(before)} trials before, {len(grown)} after: {counts}")
    assert all(counts["search", name] == 4 for name in families)
    assert all(counts["replicate", name] >= 6 for name in families)
    assert {key: value for key, value in figures(grown).items() if key in before} == before, "what was there stayed"

    refused = subprocess.run(
        [
            sys.executable,
            "-P",
            "-m",
            "uncollapse",
            "run",
            str(page(tmp_path, **first)),
            "--runs",
            str(tmp_path / "runs"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 2
    assert "`search.trials` was 4 and is now 2; it may only grow" in refused.stderr
    assert "`families.vmf`" in refused.stderr
