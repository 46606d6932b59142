"""Machines that are namespaces: each its own network, processes, mounts and name, with a real SSH server."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.support.places import ROOT

NETWORK = "10.99.0"
PROGRAMS = ("sshd", "ssh", "ssh-keygen", "rsync", "ip", "unshare", "nsenter", "setpriv", "mountpoint")
SPACES = ("--net", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child=SIGKILL")
BESIDES = "/usr/sbin:/sbin"  # where a user's PATH may not lead


def needed() -> None:
    """Skip where machines cannot be made."""
    if os.geteuid() != 0:
        pytest.skip("network namespaces with an SSH server each need root")
    lacking = [name for name in PROGRAMS if shutil.which(name, path=f"{os.environ['PATH']}:{BESIDES}") is None]
    if lacking:
        pytest.skip(f"not on this machine: {', '.join(lacking)} (Debian: openssh-server, rsync, iproute2, util-linux)")
    if "overlay" not in Path("/proc/filesystems").read_text():
        pytest.skip("this kernel has no overlay file system")


class Machine:
    """One set of namespaces; it dies with the test's process, whatever ends that.

    Args:
        folder: of all machines; their files lie in a subfolder.
        number: its address is NETWORK.number.
        shared: mounted at /shared; None where it is not.
        hidden: whether the project's folder holds nothing but its environment here.
    """

    def __init__(self, folder: Path, number: int, shared: Path | None, hidden: bool) -> None:
        self.name, self.address = f"m{number}", f"{NETWORK}.{number}"
        self.folder, self.home = folder / self.name, folder / self.name / "home"
        for part in ("upper", "work", "root", "home/.ssh", "tmp"):
            (self.folder / part).mkdir(parents=True)
        (self.home / ".bashrc").write_text("")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.home / "host_key"], check=True)
        self.process = self._start(shared, hidden)

    def _start(self, shared: Path | None, hidden: bool) -> subprocess.Popen[bytes]:
        script = Path(__file__).with_name("machine.sh")
        arguments = [self.folder, self.name, shared or "", ROOT if hidden else "", sys.base_prefix]
        command = ["setpriv", "--pdeathsig", "KILL", "unshare", *SPACES, "bash", script, *arguments]
        with self.log.open("ab") as log:
            return subprocess.Popen(list(map(str, command)), stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    @property
    def log(self) -> Path:
        return self.folder / "machine.log"

    @property
    def first(self) -> int:
        """The first process of the namespaces, by its number outside."""
        return psutil.Process(self.process.pid).children()[0].pid

    def wait(self) -> None:
        """Until its SSH server listens."""
        deadline = time.monotonic() + 20
        while "Server listening" not in self.log.read_text():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    def command(self, *words: str) -> list[str]:
        """What runs a command inside, as its root user in a login shell's surroundings."""
        inside = ["nsenter", f"--target={self.first}", "--net", "--mount", "--pid", "--uts", "--ipc", "--root", "--wd"]
        return [*inside, "env", "-i", "HOME=/root", f"PATH={os.environ['PATH']}:{BESIDES}", *words]

    def run(self, *words: str, check: bool = True, seconds: float = 120) -> str:
        """What a command inside prints, errors included."""
        done = subprocess.run(
            self.command(*words),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert done.returncode == 0 or not check, f"{words} ended with {done.returncode}:\n{done.stdout[-6000:]}"
        return done.stdout

    def network(self, *words: str) -> None:
        """Set up its network, with this machine's `ip`."""
        subprocess.run(["nsenter", f"--target={self.first}", "--net", "ip", *words], check=True)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def machines(count: int) -> Iterator[tuple[Machine, list[Machine]]]:
    """The user's machine, which has the project, and `count` others with nothing but its environment and /shared.

    All are on one network that leads nowhere else; the user's SSH key opens the others.
    """
    needed()
    folder = Path(tempfile.mkdtemp(prefix="ray-up-"))
    (folder / "shared").mkdir()
    made: list[Machine] = []
    try:
        user = Machine(folder, 1, None, hidden=False)
        made.append(user)
        made.extend(Machine(folder, number, folder / "shared", hidden=True) for number in range(2, 2 + count))
        for machine in made:
            machine.wait()
        _connect(user, made[1:])
        _admit(user, made[1:])
        yield user, made[1:]
    finally:
        for machine in made:
            machine.kill()
        shutil.rmtree(folder, ignore_errors=True)


def _connect(user: Machine, others: Sequence[Machine]) -> None:
    """A switch in the user's machine with a cable to each."""
    user.network("link", "add", "eth0", "type", "bridge")
    _address(user)
    for machine in others:
        user.network("link", "add", machine.name, "type", "veth", "peer", "name", "eth0", "netns", str(machine.first))
        user.network("link", "set", machine.name, "master", "eth0", "up")
        _address(machine)


def _address(machine: Machine) -> None:
    machine.network("link", "set", "lo", "up")
    machine.network("address", "add", f"{machine.address}/24", "dev", "eth0")
    machine.network("link", "set", "eth0", "up")
    machine.network("route", "add", "default", "dev", "eth0")  # Ray reads its address off the way to the world


def _admit(user: Machine, others: Sequence[Machine]) -> None:
    key = user.home / ".ssh" / "cluster"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    for machine in others:
        shutil.copy(key.with_suffix(".pub"), machine.home / ".ssh" / "authorized_keys")
