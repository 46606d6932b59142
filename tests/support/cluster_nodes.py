"""A real Ray cluster of several nodes on this machine, under a token; every node can be killed like a machine."""

import ctypes
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import psutil

from tests.support.places import ROOT

RAY = [sys.executable, "-m", "ray.scripts.scripts"]
PR_SET_PDEATHSIG = 1
PATIENCE = 90.0  # seconds in which a node has to be up
PORTS = ("node-manager", "object-manager", "dashboard-agent-listen", "dashboard-agent-grpc", "runtime-env-agent")
# a node that does not answer for four seconds is dead, in place of half a minute
HEALTH = {"initial_delay_ms": "1000", "period_ms": "1000", "timeout_ms": "1000", "failure_threshold": "3"}
NODE = {f"RAY_health_check_{name}": value for name, value in HEALTH.items()}
NODE |= {"OMP_NUM_THREADS": "1", "RAY_worker_niceness": "0"}


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Node:
    """One `ray start --block` and all that hangs on it."""

    name: str
    cpus: float
    process: subprocess.Popen[bytes]

    def processes(self) -> list[psutil.Process]:
        """Every process of the node; [] of one that is dead."""
        try:
            above = psutil.Process(self.process.pid)
            return [above, *above.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def trains(self, checkpoints: Path) -> dict[str, psutil.Process]:
        """Trial keys and the processes that train them here, told by the checkpoint locks that they hold open."""
        return {key: process for process in self.processes() for key in _locks(process, checkpoints)}

    def identity(self) -> str:
        """The node's name in Ray, from its raylet's command line."""
        arguments = [argument for process in self.processes() for argument in _command(process)]
        return next(part.partition("=")[2] for part in arguments if part.startswith("--node_id="))

    def kill(self) -> None:
        """SIGKILL to everything at once, as when the machine loses its power."""
        everything = self.processes()
        for process in everything:  # stopped first, so that nothing reacts to another's death
            _send(process, signal.SIGSTOP)
        for process in everything:
            _send(process, signal.SIGKILL)
        self.process.wait()


class Cluster:
    """Nodes that share a token.

    Args:
        folder: short, since Ray's sockets lie under it and their paths have a limit of 107 characters.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.nodes = folder, free_port(), list[Node]()
        token = folder / "token"
        token.write_text(secrets.token_hex(32))
        token.chmod(0o600)
        self.environment = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token), "PYTHONPATH": str(ROOT)}

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def add(self, cpus: float = 1, gpus: float = 0) -> Node:
        """Start a node and wait until the cluster has it."""
        name, log = f"n{len(self.nodes)}", self.folder / f"n{len(self.nodes)}.log"
        command = [*RAY, "start", "--block", *self._place(name), f"--num-cpus={cpus:g}", f"--num-gpus={gpus:g}"]
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, stdout=output, stderr=output, env={**os.environ, **NODE}, preexec_fn=_end_with_the_test
            )
        node = Node(name, cpus, process)
        self.nodes.append(node)
        deadline = time.monotonic() + PATIENCE
        while "Ray runtime started" not in log.read_text():
            assert process.poll() is None, log.read_text()[-3000:]
            assert time.monotonic() < deadline, f"node {name} is not up after {PATIENCE:.0f} s"
            time.sleep(0.2)
        return node

    def _place(self, name: str) -> list[str]:
        """Options that keep a node apart from the others on this machine."""
        role = [f"--address={self.address}"]
        if not self.nodes:
            role = ["--head", f"--port={self.port}", "--include-dashboard=false"]
        ports = [f"--{port}-port={free_port()}" for port in (*PORTS, "metrics-export")]
        memory = ["--object-store-memory=100000000", "--min-worker-port=0", "--max-worker-port=0"]
        return [*role, *ports, *memory, f"--temp-dir={self.folder / name}", "--disable-usage-stats"]

    def drain(self, node: Node, seconds: int) -> None:
        """Tell the cluster that a node goes away; who said so has to take it away."""
        reason = ["--reason", "DRAIN_NODE_REASON_PREEMPTION", "--reason-message", "a test takes it away"]
        away = ["--node-id", node.identity(), "--deadline-remaining-seconds", str(seconds)]
        command = [*RAY, "drain-node", "--address", self.address, *away, *reason]
        told = subprocess.run(command, capture_output=True, text=True, check=False)
        assert told.returncode == 0, told.stdout + told.stderr

    def alive(self) -> list[Node]:
        return [node for node in self.nodes if node.process.poll() is None]

    def trains(self, checkpoints: Path) -> dict[str, tuple[Node, psutil.Process]]:
        """Every trial that is being trained now, where and by whom."""
        return {key: (node, process) for node in self.alive() for key, process in node.trains(checkpoints).items()}


@contextmanager
def cluster(*nodes: Mapping[str, float]) -> Iterator[Cluster]:
    """A cluster with these nodes (`cpus`, `gpus`), head first; what is started inside finds its token."""
    folder = Path(tempfile.mkdtemp(prefix="ray-"))
    made = Cluster(folder)
    try:
        with patch.dict(os.environ, made.environment):
            for offers in nodes:
                made.add(**offers)
            yield made
    finally:
        for node in reversed(made.alive()):
            node.kill()
        shutil.rmtree(folder, ignore_errors=True)


def _end_with_the_test() -> None:
    """Ask the kernel for a SIGTERM when whoever started this process is killed: no node outlives its test."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _locks(process: psutil.Process, checkpoints: Path) -> list[str]:
    try:
        opened = [Path(file.path) for file in process.open_files()]
    except psutil.Error:
        return []
    return [path.stem for path in opened if path.suffix == ".lock" and path.parent == checkpoints]


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _send(process: psutil.Process, number: signal.Signals) -> None:
    with suppress(psutil.NoSuchProcess):
        process.send_signal(number)
