"""Ray's sockets under a token: every one of them refuses a client without it, shown by trying each."""

import json
import os
import secrets
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.security.sockets import ANSWERS, METRICS, REFUSES, Socket, family, http, listening, verdict
from tests.support.cluster_nodes import NODE, PORTS, RAY, free_port
from tests.support.mlflow_database import opened
from tests.support.running_studies import epochs, page, running, wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("ss") is None, reason="the program `ss` lists listening sockets, and is not here"),
]
PATIENCE = 120.0
CLIENTS = {  # what a client would do, as a script with the address in `sys.argv[1]`
    "ray.init": "import ray; ray.init(address=sys.argv[1], log_to_driver=False); print(len(ray.nodes()))",
    "Ray client": "import ray; ray.init('ray://' + sys.argv[1]); print(len(ray.nodes()))",
    "GCS client": "from ray._raylet import GcsClient; print(len(GcsClient(sys.argv[1]).get_all_node_info()))",
    "jobs": "from ray.job_submission import JobSubmissionClient as C; print(C('http://' + sys.argv[1]).submit_job("
    "entrypoint='true') != '')",
}
REFUSED = ("nauthenticated", "nauthorized", "AuthenticationError", "ray client connection timeout")
TRIES = 3  # of the Ray client, whose server has half a minute to start on a busy machine


@dataclass(frozen=True)
class Head:
    """A Ray head with everything that it can serve, in a folder of its own."""

    process: subprocess.Popen[bytes]
    folder: Path
    gcs: str
    page: str
    client: str

    @property
    def token(self) -> str:
        return (self.folder / "token").read_text()

    def sockets(self) -> list[Socket]:
        return listening(family(self.process.pid))


@contextmanager
def started(folder: Path) -> Iterator[Head]:
    """`ray start --head` with dashboard, jobs and client, under a token; killed with all that came from it."""
    gcs, dashboard, client = free_port(), free_port(), free_port()
    (folder / "token").write_text(secrets.token_hex(32))
    (folder / "token").chmod(0o600)
    ports = {"port": gcs, "dashboard-port": dashboard, "ray-client-server-port": client}
    ports |= {f"{name}-port": free_port() for name in (*PORTS, "metrics-export")}
    options = [f"--{name}={port}" for name, port in ports.items()]
    options += ["--node-ip-address=127.0.0.1", "--dashboard-host=127.0.0.1", "--include-dashboard=true", "--num-cpus=1"]
    options += [
        "--min-worker-port=0",
        "--max-worker-port=0",
        "--object-store-memory=100000000",
        "--disable-usage-stats",
    ]
    own = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(folder / "token")}
    with (folder / "log").open("wb") as log:
        command = [*RAY, "start", "--head", "--block", f"--temp-dir={folder / 'r'}", *options]
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **NODE, **own})
    try:
        head = Head(process, folder, f"127.0.0.1:{gcs}", f"127.0.0.1:{dashboard}", f"127.0.0.1:{client}")
        wait_until(lambda: http(f"http://{head.page}/api/version", head.token)[0] == 200, "the dashboard")
        yield head
    finally:
        for member in reversed(family(process.pid).values()):
            member.kill()
        process.wait()


@pytest.fixture(scope="module")
def head() -> Iterator[Head]:
    folder = Path(tempfile.mkdtemp(prefix="ray-"))  # short, since Ray's sockets lie under it
    try:
        with started(folder) as made:
            yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def client(script: str, address: str, home: Path, **own: str) -> subprocess.CompletedProcess[str]:
    """A client in a process and a home of its own, which finds no other token than the one that it is given."""
    home.mkdir(exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    command = [sys.executable, "-c", f"import sys; {script}", address]
    environment = {**kept, "HOME": str(home), **own}
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, env=environment, check=False)


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_is_refused_without_the_token_and_accepted_with_it(name: str, head: Head, tmp_path: Path) -> None:
    address = {"Ray client": head.client, "jobs": head.page}.get(name, head.gcs)
    without = {"RAY_AUTH_MODE": "disabled"}
    wrong = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    right = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": head.token}
    for own in (without, wrong):
        refused = client(CLIENTS[name], address, tmp_path / "home", **own)
        assert refused.returncode != 0
        assert any(word in refused.stderr for word in REFUSED), refused.stderr[-2000:]
    accepted = client(CLIENTS[name], address, tmp_path / "home", **right)
    for _ in range(TRIES - 1 if name == "Ray client" and accepted.returncode else 0):
        accepted = client(CLIENTS[name], address, tmp_path / "home", **right)
    assert accepted.returncode == 0, accepted.stderr[-2000:]
    assert accepted.stdout.split()[-1] in ("1", "True")


@pytest.mark.parametrize(
    "path", ["api/version", "api/jobs/", "api/cluster_status", "nodes?view=summary", "api/v0/nodes"]
)
def test_the_dashboards_api_is_refused_without_the_token(path: str, head: Head) -> None:
    assert http(f"http://{head.page}/{path}", None)[0] == 401
    assert http(f"http://{head.page}/{path}", secrets.token_hex(32))[0] in (401, 403)
    assert http(f"http://{head.page}/{path}", head.token)[0] == 200


def test_a_job_is_not_taken_without_the_token(head: Head) -> None:
    job = json.dumps({"entrypoint": "touch /tmp/never", "submission_id": "never"}).encode()
    assert http(f"http://{head.page}/api/jobs/", None, job)[0] == 401
    assert http(f"http://{head.page}/api/jobs/never", head.token)[0] == 404


def test_every_socket_of_a_cluster_but_its_metrics(head: Head) -> None:
    judged(head.sockets(), head.token, least=9)


def judged(sockets: list[Socket], token: str, least: int) -> None:
    """Fails the test unless every socket refuses without the token and answers with it; metrics are shown to anyone."""
    said = {socket: (verdict(socket, None), verdict(socket, token)) for socket in sockets}
    print(*(f"{s.address}:{s.port} {s.process}: {a} without, {b} with" for s, (a, b) in said.items()), sep="\n")
    closed = [socket for socket, pair in said.items() if pair == (REFUSES, ANSWERS)]
    open_ = {socket for socket, pair in said.items() if pair == (METRICS, METRICS)}
    assert set(said) - set(closed) - open_ == set(), said
    assert len(closed) >= least


def test_a_local_run_is_under_a_token_and_all_that_is_not_rays_on_loopback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ray is recognised by how it answers, so that a server of ours on another address would be neither."""
    runs, home = tmp_path / "runs", tmp_path / "home"
    home.mkdir()
    study = page(tmp_path, families=["seqvae"], train={"epochs": 60, "batch_size": 16})
    monkeypatch.setenv("HOME", str(home))  # where Ray would make a token by itself
    for name in [name for name in os.environ if name.startswith("RAY_AUTH")]:
        monkeypatch.delenv(name)
    with running(study, runs, tmp_path / "log") as process:
        wait_until(lambda: epochs(runs, "search") > 1, "some epochs", process)
        raylet = next(one for one in family(process.pid).values() if one.name() == "raylet")
        place = Path(raylet.environ()["RAY_AUTH_TOKEN_PATH"])
        assert [stat.S_IMODE(one.stat().st_mode) for one in (place, place.parent)] == [0o600, 0o700]
        assert not (home / ".ray").exists(), "Ray's own token could be read by anybody"
        token = place.read_text()
        sockets = listening(family(process.pid))
        judged([socket for socket in sockets if not socket.on_loopback], token, least=5)
        gcs = next(socket.port for socket in sockets if socket.process == "gcs_server")
        for script in (CLIENTS["ray.init"], CLIENTS["GCS client"]):
            refused = client(script, f"127.0.0.1:{gcs}", tmp_path / "other", RAY_AUTH_MODE="disabled")
            assert refused.returncode != 0
            assert any(word in refused.stderr for word in REFUSED), refused.stderr[-2000:]
        accepted = client(CLIENTS["GCS client"], f"127.0.0.1:{gcs}", home, RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=token)
        assert accepted.stdout.split()[-1:] == ["1"], accepted.stderr[-2000:]


def test_the_page_of_ui_listens_on_loopback(tmp_path: Path) -> None:
    opened(tmp_path)
    port = free_port()
    command = [sys.executable, "-P", "-m", "uncollapse", "ui", "--runs", str(tmp_path), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: http(f"http://127.0.0.1:{port}/health", None)[0] == 200, "MLflow's page")
        sockets = listening(family(process.pid))
        assert {socket.port for socket in sockets} >= {port}
        assert [socket for socket in sockets if not socket.on_loopback] == []
    finally:
        for member in reversed(family(process.pid).values()):
            member.kill()
        process.wait()
