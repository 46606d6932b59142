"""A PostgreSQL of our own on loopback, started by hand."""

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.cluster_nodes import free_port

NAME = "tracking"


def program(name: str) -> str:
    """Where one of PostgreSQL's programs is; skips the test if it is nowhere."""
    folders = sorted(str(path) for path in Path("/usr/lib/postgresql").glob("*/bin"))
    found = shutil.which(name) or shutil.which(name, path=os.pathsep.join(reversed(folders)))
    if found is None:
        pytest.skip(f"PostgreSQL's {name} is not on this machine")
    return found


def owner() -> str | None:
    """Whom PostgreSQL runs as, since it refuses root; None for the present user."""
    if os.geteuid() != 0:
        return None
    users = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in users)


class Postgres:
    """One database server; its folder goes when it ends."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.password, self.owner = folder, free_port(), secrets.token_hex(16), owner()
        self.data = folder / "data"
        secret = folder / "password"
        secret.write_text(self.password)
        if self.owner is not None:
            for path in (folder, secret):
                shutil.chown(path, self.owner)
        self._run("initdb", "-U", NAME, "-A", "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8", "--locale=C.UTF-8")

    @property
    def uri(self) -> str:
        """With its driver's name: without one SQLAlchemy 2.1 wants another driver, psycopg 3."""
        return f"postgresql+psycopg2://{NAME}:{self.password}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        settings = {"listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": self.folder}
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        self._run("pg_ctl", "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        """`fast` rolls back what is open; `immediate` is a crash, mended at the next start."""
        self._run("pg_ctl", "-w", "-m", mode, "stop")

    def _run(self, name: str, *arguments: str) -> None:
        command = [program(name), "-D", str(self.data), *arguments]
        with (self.folder / "programs.log").open("a+") as output:
            done = subprocess.run(command, stdout=output, stderr=output, user=self.owner, cwd=self.folder, check=False)
            output.seek(0)
            assert done.returncode == 0, output.read()[-3000:]


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A running PostgreSQL, in a folder that its user can reach."""
    pytest.importorskip("psycopg2", reason="psycopg2-binary is not installed")
    program("initdb")
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    made = Postgres(folder)
    try:
        made.start()
        yield made
    finally:
        if (made.data / "postmaster.pid").exists():
            made.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)
