"""The machine's clock set ten minutes forward and then twenty back under a running study: no figure and no duration changes.

Runs only where `UNCOLLAPSE_MAY_SET_CLOCK=1` allows it, as root on Linux: a false clock given to some processes alone tells
nothing, since the kernel's waits would go by the true one.
"""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.running_studies import epochs, figures, left, page, run, running, wait_until
from uncollapse.analysis.schema import FINISHED

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        os.environ.get("UNCOLLAPSE_MAY_SET_CLOCK") != "1" or sys.platform != "linux" or os.getuid() != 0,
        reason="setting this machine's clock needs UNCOLLAPSE_MAY_SET_CLOCK=1, and root on Linux",
    ),
]
JUMP = 600.0


class Clock:
    """The machine's clock, moved against the one that cannot be set."""

    def __init__(self) -> None:
        self.true = time.time() - time.monotonic()

    def set(self, offset: float) -> None:
        """Let the wall clock stand `offset` seconds beside the truth."""
        time.clock_settime(time.CLOCK_REALTIME, self.true + time.monotonic() + offset)


@pytest.fixture
def clock() -> Iterator[Clock]:
    own = Clock()
    yield own
    own.set(0.0)


def test_a_clock_that_jumps_changes_nothing(tmp_path: Path, clock: Clock) -> None:
    study, runs, log = page(tmp_path), tmp_path / "runs", tmp_path / "log"
    run(study, tmp_path / "undisturbed")
    began = time.monotonic()
    with running(study, runs, log) as process:
        wait_until(lambda: epochs(runs, "search") >= 8, "eight epochs", process)
        clock.set(JUMP)
        wait_until(lambda: epochs(runs, "search") >= 20, "twelve more", process)
        clock.set(-JUMP)
        assert process.wait(timeout=300) == 0, log.read_text()[-3000:]
    took = time.monotonic() - began
    assert "Traceback" not in log.read_text()
    found = left(runs)
    assert all(record.state == FINISHED for record in found)
    assert figures(found) == figures(left(tmp_path / "undisturbed"))
    times = [epoch["time"] for record in found for epoch in record.epochs]
    print(f"recorded times span {max(times) - min(times):.0f} s of a study of {took:.0f} s")
    assert max(times) - min(times) > 1.9 * JUMP, "the jumps reached what is recorded"
    assert max(record.seconds for record in found) < took, "and no duration"
