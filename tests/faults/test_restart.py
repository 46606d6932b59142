"""`run --detach`: a study left behind, whose driver is killed and starts again by itself, with news of both."""

import http.server
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.running_studies import QUIET, command, epochs, left, page, wait_until
from uncollapse.analysis.schema import FINISHED
from uncollapse.study.storage.locks import is_running

pytestmark = pytest.mark.slow


@contextmanager
def webhook() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A server that takes news, and what it was told."""
    told: list[dict[str, str]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/T0/SECRET", told
    finally:
        server.shutdown()
        server.server_close()


def driver(runs: Path) -> int:
    return int((runs / "faulty" / "ledger.lock").read_text().split()[1])


def test_a_study_left_behind_finishes_though_its_driver_is_killed(tmp_path: Path) -> None:
    study, runs, news = page(tmp_path), tmp_path / "runs", tmp_path / "news"
    with webhook() as (address, told):
        environment = {**os.environ, **QUIET, "UNCOLLAPSE_WEBHOOK": address}
        left_behind = [*command(study, runs, "--detach", "--notify", f"cat >> {news}; echo >> {news}")]
        done = subprocess.run(left_behind, capture_output=True, text=True, timeout=60, env=environment, check=False)
        assert done.returncode == 0, done.stderr
        assert "uncollapse status faulty --watch" in done.stdout
        wait_until(lambda: epochs(runs, "search") >= 5, "five epochs")
        os.kill(driver(runs), signal.SIGKILL)
        again = subprocess.run(command(study, runs), capture_output=True, text=True, timeout=60, check=False)
        watched = [sys.executable, "-P", "-m", "uncollapse", "status", "faulty", "--watch", "--runs", str(runs)]
        watching = subprocess.run(watched, capture_output=True, text=True, timeout=300, check=False)
        assert watching.returncode == 0, watching.stderr
        wait_until(lambda: not is_running(runs / "faulty"), "the supervisor's end")
        wait_until(lambda: len(told) >= 2, "both news")
    assert again.returncode == 2, "a supervised study is not started a second time"
    assert "is running this one" in again.stderr
    assert all(record.state == FINISHED for record in left(runs))
    assert len(left(runs)) == 18
    assert [item["event"] for item in told] == ["trouble", "ended"]
    assert "SIGKILL" in told[0]["text"]
    assert [json.loads(line)["event"] for line in news.read_text().splitlines()] == ["trouble", "ended"]
    assert "SECRET" not in (runs / "faulty" / "run.log").read_text()
