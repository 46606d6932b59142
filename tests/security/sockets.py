"""Sockets that processes listen on, and what each says to a client with the token and to one without."""

import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from http.client import HTTPException

import grpc
import psutil

SECONDS = 5.0
REFUSES, ANSWERS, METRICS, SILENT = "refuses", "answers", "metrics", "silent"
METHODS = (  # one of each of Ray's services; an empty request asks for nothing that would change anything
    "NodeInfoGcsService/GetAllNodeInfo",
    "NodeManagerService/GetSystemConfig",
    "CoreWorkerService/NumPendingTasks",
    "ObjectManagerService/Pull",
    "ReporterService/HealthCheck",
    "RayletDriver/ClusterInfo",
)


@dataclass(frozen=True)
class Socket:
    """A listening TCP socket and its process."""

    address: str
    port: int
    process: str
    pid: int

    @property
    def on_loopback(self) -> bool:
        return self.host.startswith("127.") or self.host == "::1"

    @property
    def host(self) -> str:
        """Where a client on this machine finds it, "" for any address."""
        bare = self.address.strip("[]").removeprefix("::ffff:")
        return "" if bare in ("*", "0.0.0.0", "::") else bare


def family(pid: int) -> dict[int, psutil.Process]:
    """A process and all that came from it."""
    try:
        above = psutil.Process(pid)
        return {member.pid: member for member in (above, *above.children(recursive=True))}
    except psutil.NoSuchProcess:
        return {}


def listening(pids: Iterable[int]) -> list[Socket]:
    """What `ss -ltnp` shows of some processes."""
    wanted = set(pids)
    shown = subprocess.run(["ss", "-ltnpH"], capture_output=True, text=True, check=True).stdout
    found = []
    for line in shown.splitlines():
        address, _, port = line.split()[3].rpartition(":")
        owners = re.findall(r'\("([^"]*)",pid=(\d+)', line)
        found += [Socket(address, int(port), name, int(pid)) for name, pid in owners if int(pid) in wanted]
    return found


def verdict(socket: Socket, token: str | None) -> str:
    """How a socket of Ray's meets a client: refuses, answers, shows its metrics, or says nothing that Ray says."""
    said = _rpc(socket, token)
    return said if said is not None else _http(socket, token)


def _rpc(socket: Socket, token: str | None) -> str | None:
    """What the first of Ray's services that is served there says; None where no RPC is served."""
    metadata = [("authorization", f"Bearer {token}")] if token else []
    with grpc.insecure_channel(f"{socket.host or '127.0.0.1'}:{socket.port}") as channel:
        for method in METHODS:
            ask = channel.unary_unary(f"/ray.rpc.{method}", request_serializer=bytes, response_deserializer=bytes)
            try:
                ask(b"", metadata=metadata, timeout=SECONDS)
                return ANSWERS
            except grpc.RpcError as error:
                code = error.code()  # type: ignore[attr-defined]
            if code == grpc.StatusCode.UNAVAILABLE:
                return None
            if code != grpc.StatusCode.UNIMPLEMENTED:
                return REFUSES if code == grpc.StatusCode.UNAUTHENTICATED else ANSWERS
    return SILENT


def _http(socket: Socket, token: str | None) -> str:
    code, body = http(f"http://{socket.host or '127.0.0.1'}:{socket.port}/api/version", token)
    if code == 401:
        return REFUSES
    if body.startswith(b"# HELP"):
        return METRICS
    return ANSWERS if code else SILENT


def http(address: str, token: str | None, data: bytes | None = None) -> tuple[int, bytes]:
    """(status, body) of a request; status 0 where nobody speaks HTTP."""
    request = urllib.request.Request(address, data, {"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except (OSError, HTTPException) as error:
        return 0, str(error).encode()
