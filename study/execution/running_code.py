"""The code that a process runs: where it lies, and what it says; a worker with other code than its driver trains
nothing."""

import socket
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from uncollapse.study.storage.fingerprints import fingerprint

PACKAGE = Path(__file__).parents[2]  # the folder `uncollapse` that this process imports


def stamp(configuration: Mapping[str, Any]) -> dict[str, str]:
    """What a job says of its driver's code: its fingerprint for a resolved configuration, and its folder."""
    return {"code": fingerprint(configuration), "source": str(PACKAGE)}


def refusal(job: Mapping[str, Any]) -> str:
    """Why this process may not train a job: its code says something else than the driver's; "" where it does not."""
    here = fingerprint(job["configuration"])
    if here == job["code"]:
        return ""
    return (
        f"a trial is trained by the code of its driver, {job['code']} in {job['source']}, and its worker on "
        f"{socket.gethostname()} runs {here} in {PACKAGE}; install the same version on every node, and see that "
        f"nothing "
        "else there is called uncollapse"
    )


def extend_path(folders: Iterable[str]) -> None:
    """Search further folders for components of other packages; last, so that they hide nothing."""
    sys.path += [folder for folder in folders if folder not in sys.path]
