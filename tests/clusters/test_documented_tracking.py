"""docs/tracking_server.md, MLflow on PostgreSQL: its commands as they stand there, and a study against it."""

import base64
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.clusters.postgres import owner, program
from tests.support import documented_commands
from tests.support.cluster_nodes import ROOT, free_port

pytestmark = [pytest.mark.slow, pytest.mark.cluster]
UNCOLLAPSE = f"{sys.executable} -m uncollapse.cli.main"
PAGE = """
study: tracked
corpus: {{name: cafes, sentences: 300}}
families: [lstm_lm]
search: {{trials: 2, stop_early: none}}
replicate: {{configurations: 1, seeds: 2}}
train: {{epochs: 2}}
evaluate: {{subset_sentences: 50, subset_samples: 2, full_samples: 2}}
override: {{inputs: {{size: 16}}, decoder: {{hidden: 16, layers: 1}}}}
tracking: {tracking}
"""


@dataclass
class Documented:
    """A user who follows docs/tracking_server.md, with a home of their own and other ports.

    Args:
        home: where `~` leads.
    """

    home: Path

    def __post_init__(self) -> None:
        self.ports = {"5433": str(free_port()), "5000": str(free_port())}
        self.programs = os.pathsep.join([str(Path(sys.executable).parent), str(Path(program("initdb")).parent)])

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.ports['5000']}"

    @property
    def tracking(self) -> Path:
        return self.home / "tracking"

    def block(self, name: str) -> str:
        commands = documented_commands.block(f"tracking server: {name}")
        for written, ours in self.ports.items():
            commands = commands.replace(written, ours)
        return commands

    def type(self, commands: str, check: bool = True) -> str:
        """What commands print in a shell that stops at the first that fails."""
        done = subprocess.run(
            [*_nobody_special(), "bash", "-euo", "pipefail", "-c", commands],
            env=self._environment(),
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=500,
            check=False,
        )
        assert done.returncode == 0 or not check, done.stdout[-5000:]
        return done.stdout

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "PG"))}
        small = {"OMP_NUM_THREADS": "1", "RAY_worker_niceness": "0", "PYTHONPATH": str(ROOT)}
        return {**kept, **small, "HOME": str(self.home), "PATH": f"{self.programs}{os.pathsep}{kept['PATH']}"}

    def ask(self, path: str, password: str = "", host: str = "") -> int:
        """The status with which the server answers."""
        login = base64.b64encode(f"admin:{password}".encode()).decode()
        headers = {"Authorization": f"Basic {login}"} if password else {}
        headers |= {"Host": host} if host else {}
        try:
            with urllib.request.urlopen(urllib.request.Request(self.uri + path, headers=headers), timeout=30) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def end(self) -> None:
        """Whatever still runs, however the test went."""
        for process in [*_group(self.tracking / "mlflow.pid"), *_tree(self.tracking / "postgres" / "postmaster.pid")]:
            with suppress(psutil.NoSuchProcess):
                process.kill()


def _nobody_special() -> list[str]:
    """What makes root look like an ordinary user, as which PostgreSQL insists to run; the files stay root's."""
    name = owner()
    return [] if name is None else ["unshare", "--user", f"--map-user={_number(name)}", "--map-group=0"]


def _number(name: str) -> str:
    return subprocess.run(["id", "-u", name], capture_output=True, text=True, check=True).stdout.strip()


def _first_number(file: Path) -> int:
    return int(file.read_text().split()[0]) if file.exists() else 0


def _group(file: Path) -> list[psutil.Process]:
    """Every living process of the group whose leader's number stands in a file."""
    leader = _first_number(file)
    return [process for process in psutil.process_iter() if leader and _group_of(process) == leader]


def _group_of(process: psutil.Process) -> int:
    """0 of one that has ended, buried or not."""
    try:
        return 0 if process.status() == psutil.STATUS_ZOMBIE else os.getpgid(process.pid)
    except (ProcessLookupError, psutil.NoSuchProcess):
        return 0


def _tree(file: Path) -> list[psutil.Process]:
    """A process whose number stands in a file, and its children."""
    first = _first_number(file)
    if not first or not psutil.pid_exists(first):
        return []
    return [*psutil.Process(first).children(recursive=True), psutil.Process(first)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Documented]:
    pytest.importorskip("psycopg2", reason="psycopg2-binary is not installed")
    pytest.importorskip("flask_wtf", reason="mlflow[auth] is not installed")
    documented = Documented(tmp_path_factory.mktemp("home"))
    try:
        documented.type(documented.block("make"))
        documented.type(documented.block("start"))
        yield documented
    finally:
        documented.end()


def secrets(server: Documented) -> list[str]:
    key = re.search(r"SECRET_KEY=(\w+)", (server.tracking / "environment").read_text())
    assert key is not None
    return [key[1], *((server.tracking / f"{name}.secret").read_text().strip() for name in ("database", "admin"))]


def holding(folder: Path, secret: str) -> list[str]:
    """Files under a folder in which a secret stands."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in files if secret.encode() in path.read_bytes())


def commands_with(secret: str) -> list[str]:
    """Running command lines in which a secret stands."""
    lines = (" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"]))
    return [line for line in lines if secret in line]


def test_only_its_user_can_read_what_was_made(server: Documented) -> None:
    assert all(len(secret) == 48 for secret in secrets(server))
    assert server.tracking.stat().st_mode & 0o777 == 0o700
    for name in ("database.secret", "admin.secret", "auth.ini", "environment"):
        assert (server.tracking / name).stat().st_mode & 0o777 == 0o600, name
    assert not [line for secret in secrets(server) for line in commands_with(secret)]


def test_it_listens_on_this_machine_alone(server: Documented) -> None:
    ours = set(server.ports.values())
    listening = [c.laddr for c in psutil.net_connections("tcp") if c.status == psutil.CONN_LISTEN]
    assert {place.ip for place in listening if str(place.port) in ours} == {"127.0.0.1"}


def test_who_has_no_password_or_comes_by_another_name_is_refused(server: Documented) -> None:
    path, password = "/api/2.0/mlflow/experiments/search?max_results=1", secrets(server)[-1]
    assert server.ask(path, password) == 200
    assert server.ask(path) == server.ask(path, "guessed") == 401
    assert server.ask("/") == 401
    assert server.ask(path, password, host="elsewhere.example") == 403
    assert server.ask(path, password, host=f"localhost:{server.ports['5000']}") == 200


def test_a_study_without_a_login_is_refused_before_it_begins(server: Documented) -> None:
    (server.home / "outside.yaml").write_text(PAGE.format(tracking=server.uri))
    said = server.type(f"{UNCOLLAPSE} run outside.yaml --cpus 2 2>&1 || echo exit $?")
    assert "MLFLOW_TRACKING_USERNAME" in said
    assert "exit 2" in said
    assert not (server.home / "runs").exists()


def test_a_study_logs_in_from_its_environment_and_from_a_file(server: Documented) -> None:
    (server.home / "tracked.yaml").write_text(PAGE.format(tracking=server.uri))
    server.type(f"{server.block('log in')}\n{UNCOLLAPSE} run tracked.yaml --cpus 2")
    found = verified(server, server.block("log in"))
    assert found["compared"]["trials"] == 4
    assert found["compared"]["runs"] == 6  # the study's, a configuration's and those of four trials
    server.type(server.block("keep the login"))
    assert (server.home / ".mlflow" / "credentials").stat().st_mode & 0o777 == 0o600
    assert verified(server, "") == found
    for secret in secrets(server):
        assert holding(server.home / "runs", secret) == []


def verified(server: Documented, ready: str) -> Mapping[str, Mapping[str, int]]:
    said = server.type(f"{ready}\n{UNCOLLAPSE} verify tracked --json")
    found: Mapping[str, Mapping[str, int]] = json.loads(said[said.index("{") :])
    assert not found["differences"], found
    return found


def test_mlflow_comes_back_when_it_dies_and_with_what_it_held(server: Documented) -> None:
    for process in _group(server.tracking / "mlflow.pid"):
        if process.pid != _first_number(server.tracking / "mlflow.pid"):  # the shell that starts it again
            process.send_signal(signal.SIGKILL)
    assert not answers(server)
    deadline = time.monotonic() + 120
    while not answers(server):
        assert time.monotonic() < deadline, (server.tracking / "mlflow.log").read_text()[-3000:]
        time.sleep(1)
    assert server.ask("/api/2.0/mlflow/experiments/get-by-name?experiment_name=tracked", secrets(server)[-1]) == 200


def answers(server: Documented) -> bool:
    try:
        return server.ask("/health") == 200
    except OSError:
        return False


def test_it_stops_and_starts_with_the_documented_commands(server: Documented) -> None:
    server.type(server.block("stop"))
    deadline = time.monotonic() + 30
    while _group(server.tracking / "mlflow.pid"):
        assert time.monotonic() < deadline, "MLflow does not end"
        time.sleep(0.2)
    assert not (server.tracking / "postgres" / "postmaster.pid").exists()
    server.type(server.block("start"))
    assert server.ask("/api/2.0/mlflow/experiments/get-by-name?experiment_name=tracked", secrets(server)[-1]) == 200
