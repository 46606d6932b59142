"""What a night does to a study under way on a cluster: it kills what trains, what drives and what records."""

import random
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from tests.clusters.postgres import Postgres
from tests.support.cluster_nodes import Cluster, Node
from tests.support.running_studies import kill, left
from tests.support.tracking_server import Server

PATIENCE = 240.0  # seconds without any progress that end the test
SECONDS_AWAY = 60.0  # of the tracking server


class Night:
    """One study, started again whenever its driver is killed.

    Args:
        start: starts the study, or lets it go on.
        runs: where it lies.
        length: epochs of a trial.
        seed: of the choice of victims.
    """

    def __init__(
        self, start: Callable[[], subprocess.Popen[str]], runs: Path, nodes: Cluster, length: int, seed: int
    ) -> None:
        self.start, self.runs, self.nodes, self.length = start, runs, nodes, length
        self.process, self.random = start(), random.Random(seed)
        self.hit: list[tuple[str, str, int]] = []  # fault, trial, epochs recorded at that moment
        self.back: tuple[float, Server] | None = None

    def recorded(self) -> dict[str, int]:
        """Epochs that the ledger holds of each trial."""
        return {record.key: len(record.epochs) for record in left(self.runs)}

    def wait(self, happens: Callable[[], bool], what: str) -> None:
        """Poll, and bring the tracking server back in its time; a study that stands still fails the test."""
        known, deadline = -1, 0.0
        while not happens():
            if (now := sum(self.recorded().values())) != known:
                known, deadline = now, time.monotonic() + PATIENCE
            assert time.monotonic() < deadline, f"no epoch for {PATIENCE:.0f} s, waiting for {what}"
            self._bring_back()
            time.sleep(0.3)

    def wait_for_epochs(self, number: int) -> None:
        def there() -> bool:
            assert self.process.poll() is None, f"the study ended before epoch {number}"
            return sum(self.recorded().values()) >= number

        self.wait(there, f"epoch {number}")

    def finish(self) -> int:
        """Wait for the end; the study's exit code."""
        self.wait(lambda: self.process.poll() is not None and self.back is None, "the end")
        return self.process.returncode

    def _bring_back(self) -> None:
        if self.back is not None and time.monotonic() > self.back[0]:
            self.back[1].start()
            self.back = None

    def _choose(self, fault: str, away_from: Node | None = None) -> tuple[Node, psutil.Process]:
        """Wait for trials in mid-training that nothing was done to yet, and note one as hit."""
        found: dict[str, tuple[Node, psutil.Process]] = {}

        def there() -> bool:
            assert self.process.poll() is None, f"the study ended before: {fault}"
            found.clear()
            found.update({key: at for key, at in self._under_way().items() if at[0] is not away_from})
            return bool(found)

        self.wait(there, f"a trial in mid-training, for: {fault}")
        key = self.random.choice(sorted(found))
        self.hit.append((fault, key, self.recorded()[key]))
        return found[key]

    def _under_way(self) -> dict[str, tuple[Node, psutil.Process]]:
        recorded, spared = self.recorded(), {key for _, key, _ in self.hit}
        there = self.nodes.trains(self.runs / "faulty" / "checkpoints")
        return {key: at for key, at in there.items() if key not in spared and 0 < recorded[key] < self.length}

    def kill_worker(self) -> None:
        self._choose("worker")[1].kill()

    def lose_node(self) -> None:
        """A node that trains is gone, and another one takes its place."""
        self._choose("node", away_from=self.nodes.nodes[0])[0].kill()
        self.nodes.add(cpus=1)

    def kill_driver(self) -> None:
        self._choose("driver")
        kill(self.process)
        self.process = self.start()

    def stop_tracking(self, tracker: Server) -> None:
        tracker.kill()
        self.back = (time.monotonic() + SECONDS_AWAY, tracker)

    def restart_database(self, store: Postgres) -> None:
        """As after a crash: nothing is closed, the log is played back."""
        store.stop("immediate")
        store.start()
