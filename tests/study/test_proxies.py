"""Proxies of the environment, tried with a real one that refuses everything."""

import http.server
import os
import threading
import urllib.request
from collections.abc import Iterator

import pytest
import requests

from uncollapse.study.planning.preflight import tracking_errors
from uncollapse.study.proxies import past_proxies, proxy_between


class Answering(http.server.BaseHTTPRequestHandler):
    """Gives every request the server's own answer."""

    def do_GET(self) -> None:
        self.send_response(self.server.code)  # type: ignore[attr-defined]
        self.end_headers()
        self.wfile.write(b"OK")

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *arguments: object) -> None:
        """Tests are quiet."""


def serving(code: int) -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        server.code = code  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def here() -> Iterator[str]:
    yield from serving(200)


@pytest.fixture(params=[403, 502, 407])
def refusing(request: pytest.FixtureRequest) -> Iterator[str]:
    yield from serving(request.param)


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY", "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "")  # restored afterwards, whatever is set meanwhile
    urllib.request.install_opener(None)  # type: ignore[arg-type]  # one keeps the proxies of when it was made


def test_what_is_on_this_machine_is_reached_past_a_proxy(
    here: str, refusing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", refusing)
    with pytest.raises(OSError, match="HTTP Error"):
        urllib.request.urlopen(here)
    past_proxies()
    for uri in (here, here.replace("127.0.0.1", "localhost")):
        with urllib.request.urlopen(uri) as answer:
            assert answer.status == 200
        assert requests.get(uri, timeout=5).status_code == 200
        assert proxy_between(uri) is None


def test_a_server_here_is_asked_without_its_proxy(here: str, refusing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", refusing)
    (error,) = tracking_errors(here)  # it is no MLflow, and so answers nothing that MLflow's client could read
    assert "proxy" not in error
    assert "must let a study in" in error, "it was reached"


def test_a_proxy_that_refuses_is_named_without_its_password(refusing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    host = refusing.removeprefix("http://")
    monkeypatch.setenv("http_proxy", f"http://me:secret@{host}")
    (error,) = tracking_errors("http://tracking.invalid:5000")
    assert f"it was asked through the proxy of the environment (http_proxy, {host})" in error
    assert "name the server's host in no_proxy" in error
    assert "secret" not in error


@pytest.mark.parametrize(
    ("name", "given", "wanted"),
    [
        ("no_proxy", "", "localhost,127.0.0.1,::1"),
        ("NO_PROXY", "a.example, 127.0.0.1", "a.example,127.0.0.1,localhost,::1"),
        ("no_proxy", "*", "*"),
    ],
)
def test_what_the_user_excepts_stays(name: str, given: str, wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, given)
    for _ in range(2):
        past_proxies()
    assert {os.environ["no_proxy"], os.environ["NO_PROXY"]} == {wanted}
