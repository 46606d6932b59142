"""What every served page needs: a place where nothing listens yet, and one end for Ctrl-C and SIGTERM."""

import socket


def leave(number: int, frame: object) -> None:
    """Ctrl-C and SIGTERM mean the same."""
    raise KeyboardInterrupt


def listening_errors(host: str, port: int) -> list[str]:
    """Why nothing can listen there."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as place:
            place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # one that has just been left is free
            place.bind(address)
    except socket.gaierror as error:
        return [
            f"--host: an address of this machine, found {host!r} ({error.strerror}); 127.0.0.1 is this machine alone"
        ]
    except OSError as error:
        return [
            f"--port {port}: a port of {host} on which nothing listens ({error.strerror}); name another with --port"
        ]
    return []
