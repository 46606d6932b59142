"""The wall clock set an hour forward and then two hours back under a running study: no figure and no duration changes."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from study.records import FINISHED
from tests.faults.studies import epochs, figures, left, page, run, running, wait_until

pytestmark = pytest.mark.slow
HOUR = 3600


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """`clock.c`, compiled; what preloads it sees a false wall clock."""
    if sys.platform != "linux" or shutil.which("gcc") is None:
        pytest.skip("setting the clock of some processes needs Linux and gcc")
    built = tmp_path / "clock.so"
    source = Path(__file__).with_name("clock.c")
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", str(built), str(source)], check=True)
    return built


def test_a_clock_that_jumps_changes_nothing(tmp_path: Path, library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study, runs, log, offset = page(tmp_path), tmp_path / "runs", tmp_path / "log", tmp_path / "offset"
    run(study, tmp_path / "undisturbed")
    offset.write_text("0")
    with monkeypatch.context() as false:
        false.setenv("CLOCK_OFFSET", str(offset))
        false.setenv("LD_PRELOAD", str(library))
        with running(study, runs, log) as process:
            wait_until(lambda: epochs(runs, "search") >= 8, "eight epochs", process)
            offset.write_text(str(HOUR))
            wait_until(lambda: epochs(runs, "search") >= 20, "twelve more", process)
            offset.write_text(str(-HOUR))
            assert process.wait(timeout=300) == 0, log.read_text()[-3000:]
    assert "Traceback" not in log.read_text()
    found = left(runs)
    assert all(record.state == FINISHED for record in found)
    assert figures(found) == figures(left(tmp_path / "undisturbed"))
    times = [epoch["time"] for record in found for epoch in record.epochs]
    longest = max(record.seconds for record in found)
    print(f"recorded times span {(max(times) - min(times)) / HOUR:.2f} h; the longest trial took {longest:.1f} s")
    assert max(times) - min(times) > 1.9 * HOUR, "the jumps reached what is recorded"
    assert longest < 600, "and no duration"
