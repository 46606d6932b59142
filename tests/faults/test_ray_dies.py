"""Ray's own processes killed under a study: it says so, and run again it ends as if nothing had happened.

`python -m tests.faults.test_ray_dies N` kills N times at drawn moments and counts.
"""

import random
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from tests.support.running_studies import epochs, figures, left, page, run, running, wait_until
from uncollapse.analysis.schema import FINISHED, REPLICATE, SEARCH
from uncollapse.study.execution.own_ray import DIED

pytestmark = pytest.mark.slow
VICTIMS = ("raylet", "gcs_server")
SMALL = {"families": ["seqvae"], "replicate": {"configurations": 1, "seeds": 2, "also": []}}
WAIT = 120.0  # seconds within which the study has to notice; Ray waits for a GCS for up to a minute


def killed_once(study: Path, runs: Path, log: Path, victim: str, moment: int) -> str:
    """What a study says after one of Ray's processes was killed once so many epochs were recorded."""
    log.unlink(missing_ok=True)
    with running(study, runs, log) as process:
        wait_until(lambda: epochs(runs, SEARCH) + epochs(runs, REPLICATE) >= moment, "some epochs", process)
        for child in psutil.Process(process.pid).children(recursive=True):
            if child.name() == victim:
                child.kill()
        until = time.monotonic() + WAIT
        while process.poll() is None and time.monotonic() < until:
            time.sleep(0.2)
        assert process.poll() is not None, f"{victim} was killed and the study goes on for {WAIT:.0f} s"
    time.sleep(1.0)  # who tells of it outlives the study
    return log.read_text()


@pytest.mark.parametrize("victim", VICTIMS)
def test_a_dead_ray_is_said_and_nothing_is_lost(victim: str, tmp_path: Path) -> None:
    study, undisturbed, runs = page(tmp_path, **SMALL), tmp_path / "undisturbed", tmp_path / "killed"
    run(study, undisturbed)
    said = killed_once(study, runs, tmp_path / "log", victim, moment=3)
    assert "nothing is lost" in said
    assert DIED in said or "Ray" in said
    run(study, runs)
    found = left(runs)
    assert all(record.state == FINISHED for record in found)
    assert figures(found) == figures(left(undisturbed))


def main(times: int) -> None:
    draw, lost, told = random.Random(0), 0, 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        study, undisturbed = page(folder, **SMALL), folder / "undisturbed"
        run(study, undisturbed)
        whole = sum(len(record.epochs) for record in left(undisturbed))
        for number in range(times):
            victim, runs = VICTIMS[number % len(VICTIMS)], folder / f"killed_{number}"
            said = killed_once(study, runs, folder / "log", victim, draw.randrange(whole - 2))
            run(study, runs)
            lost += figures(left(runs)) != figures(left(undisturbed))
            told += "nothing is lost" in said
            print(f"{number + 1} kills of {', '.join(VICTIMS)}: {told} said, {lost} with other figures", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 6)
