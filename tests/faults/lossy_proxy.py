"""What stands before a tracking server and loses or keeps back its answers, as a network or a dying server does."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Proxy(ThreadingHTTPServer):
    """Hands requests on to a port of this machine.

    Args:
        port: of the server.
        create: what becomes of the first answer to every second creation of a run: `lost`, or `late` where the request
            itself arrives only after the next one was answered.
    """

    def __init__(self, port: int, create: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behind, self.create, self.creations = port, create, 0
        self.kept: list[tuple[str, bytes, dict[str, str]]] = []

    def handle_error(self, *about: Any) -> None:
        """A connection that was cut is what this is for."""

    def hand_on(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, str, bytes]:
        """(status, type, content) of the server's answer."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.behind, timeout=60)) as connection:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.getheader("Content-Type", "application/json"), answer.read()


class _Handler(BaseHTTPRequestHandler):
    server: Proxy

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        if self.path.endswith("/runs/create"):
            self.server.creations += 1
            if self.server.creations % 2:
                self._lose(body, headers)
                return
        status, kind, content = self.server.hand_on(self.command, self.path, body, headers)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        if self.path.endswith("/runs/create"):
            while self.server.kept:
                path, late, known = self.server.kept.pop()
                self.server.hand_on("POST", path, late, known)

    def _lose(self, body: bytes, headers: dict[str, str]) -> None:
        if self.server.create == "lost":
            self.server.hand_on("POST", self.path, body, headers)
        else:
            self.server.kept.append((self.path, body, headers))
        self.close_connection = True

    do_GET = do_POST = do_PATCH = _serve  # noqa: N815 (names of http.server)

    def log_message(self, *about: Any) -> None:
        """Nothing: the server has a log."""


@contextmanager
def lossy(port: int, create: str) -> Iterator[str]:
    """The URI of such a proxy."""
    proxy = Proxy(port, create)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{proxy.server_port}"
    finally:
        proxy.shutdown()
        proxy.server_close()
