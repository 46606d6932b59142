"""The address of a Ray cluster: what its form has to be, and whether anything listens there. Free of Ray."""

import os
import re
import socket

from uncollapse.study.errors import first_line

AUTO = "auto"  # whatever cluster Ray finds from here, the one of `FOLLOWED` first
FOLLOWED = "RAY_ADDRESS"
FORM = re.compile(r"(?:ray://)?(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(?P<port>[0-9]{1,5})")
KNOCK = 10.0  # seconds that a host has to answer in
PORTS = range(1, 65536)


def address_error(address: str) -> str | None:
    """Why no cluster can be joined at an address, as far as that can be known without Ray; None where nothing is known.

    Ray itself takes over a minute to say that nothing listens, and has a traceback for an address that is none.
    """
    said, followed = f"--address {address}", os.environ.get(FOLLOWED)
    if address == AUTO:
        if not followed:
            return None
        address, said = followed, f"--address {AUTO}, which follows {FOLLOWED}={followed}"
    if address == AUTO:  # as Ray's own jobs have it
        return None
    if _form(address) is None:
        return (
            f"{said}: {AUTO}, HOST:PORT or ray://HOST:PORT of a Ray cluster is expected; name the address that "
            "`ray start` printed, or leave --address out for a Ray of the study's own on this machine"
        )
    return None if (reason := silence(address)) is None else nobody_answers(said, reason)


def nobody_answers(said: str, reason: str) -> str:
    """The error of an address at which there is no cluster that lets this machine in."""
    return (
        f"{said}: a Ray cluster has to answer there, and none does ({reason}); start it, and see that this machine "
        "has its token in ~/.ray/auth_token"
    )


def silence(address: str) -> str | None:
    """Why nothing answers at an address of the right form; None where something does, or the form is another."""
    if (form := _form(address)) is None:
        return None
    try:
        socket.create_connection((form["host"].strip("[]"), int(form["port"])), timeout=KNOCK).close()
    except (OSError, UnicodeError) as error:  # the latter of a host's name that cannot be one
        return first_line(error)
    return None


def _form(address: str) -> re.Match[str] | None:
    form = FORM.fullmatch(address)
    return form if form and int(form["port"]) in PORTS else None
