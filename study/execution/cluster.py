"""The Ray cluster that a study runs on: joining it, what fits on it, what its workers can reach."""

import contextlib
import logging
import os
import time
from collections.abc import Callable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import ray
from ray._private import services

from uncollapse.analysis.counted import counted
from uncollapse.study.config.families import reachable
from uncollapse.study.config.study_page import Study
from uncollapse.study.errors import RunError, UserError, first_line
from uncollapse.study.execution import own_ray
from uncollapse.study.execution.running_code import PACKAGE, extend_path
from uncollapse.study.planning.addresses import AUTO, FOLLOWED, address_error, nobody_answers, silence
from uncollapse.study.storage.outside import python_path
from uncollapse.study.storage.workspace import Workspace

SECONDS = 5.0  # for which a count of what fits is believed


def connect(address: str | None, cpus: int | None) -> None:
    """Join a cluster, or start one on this machine, whatever `RAY_ADDRESS` and other studies say.

    Raises:
        UserError: no cluster answers at the address, or there is no place for a Ray here.
        RunError: Ray does not start here.
    """
    if ray.is_initialized():
        return
    if address is None:
        own_ray.start(cpus)
    else:
        _join(address)


def start_again(cpus: int | None) -> None:
    """Another Ray in place of the one that was started here."""
    own_ray.stop()
    own_ray.start(cpus)


def _join(address: str) -> None:
    if (found := address_error(address)) is not None:
        raise UserError(found)
    try:
        if address == AUTO and not os.environ.get(FOLLOWED) and (gone := _gone()) is not None:
            raise ConnectionError(gone)
        with contextlib.chdir(PACKAGE.parent):  # see `own_ray.start`
            ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False)
    except Exception as error:  # Ray raises many kinds: nothing there, no Ray, another version, no token of it
        raise UserError(nobody_answers(f"--address {address}", first_line(error))) from None


def _gone() -> str | None:
    """Why the cluster does not answer that Ray finds from here, which it would wait for without an end.

    Raises:
        ConnectionError: it finds none.
    """
    there = services.canonicalize_bootstrap_address(AUTO)  # by Ray's processes, and a file that `ray start` wrote
    return f"{there}, where Ray finds the last one: {reason}" if there and (reason := silence(there)) else None


def resources_of(study: Study) -> dict[str, float]:
    """What one trial occupies, as Ray names it."""
    return {"cpu": study.resources.cpus, "gpu": study.resources.gpus}


class Capacity:
    """How many trials fit at once, looked up again while nodes come and go.

    Args:
        resources: of one trial.
        at_once: trials that the user allows at once, also where nodes for them are still to be started; 0 for as many
            as fit.

    Attributes:
        known: the last count.
        changed: told of every other count.
    """

    def __init__(self, resources: Mapping[str, float], at_once: int) -> None:
        self.resources, self.at_once = resources, at_once
        self.known, self._looked = at_once, -SECONDS
        self.changed: Callable[[int], None] = lambda count: None

    def __call__(self) -> int:
        if not self.at_once and time.monotonic() - self._looked >= SECONDS:
            count, self._looked = fitting(self.resources), time.monotonic()
            if count != self.known:
                self.known = count
                self.changed(count)
        return self.known


def fitting(resources: Mapping[str, float]) -> int:
    """Trials that the nodes which are there now hold at once, whatever else they run."""
    return sum(_on_node(node["Resources"], resources) for node in nodes())


def nodes() -> list[dict[str, Any]]:
    """What Ray knows of the nodes that are alive.

    Raises:
        RunError: the cluster's head does not answer.
    """
    try:
        return [node for node in ray.nodes() if node["Alive"]]
    except Exception as error:  # Ray raises many kinds when its head is gone
        raise RunError(f"the Ray cluster does not answer ({type(error).__name__}); start it, then run again") from error


def _on_node(there: Mapping[str, float], resources: Mapping[str, float]) -> int:
    return min(_times(name, there.get(name.upper(), 0), amount) for name, amount in resources.items() if amount > 0)


def _times(name: str, there: float, amount: float) -> int:
    if name == "gpu" and amount < 1:
        return int(there) * int(1 / amount + 1e-9)  # a fraction is of one GPU and never of two halves
    return int(there / amount + 1e-9)


def shortage(resources: Mapping[str, float]) -> str:
    """The sentence for trials that find no place."""
    alive = nodes()
    wanted = ", ".join(f"{amount:g} {name.upper()}" for name, amount in resources.items() if amount > 0)
    held = ", ".join(
        f"{sum(n['Resources'].get(name.upper(), 0) for n in alive):g} {name.upper()}" for name in resources
    )
    return f"one trial needs {wanted} on one node, and the cluster's {counted(len(alive), 'node')} have {held} together"


def too_small(resources: Mapping[str, float]) -> str:
    """The error of a cluster on which not even one trial fits."""
    return (
        f"resources: {shortage(resources)}; lower `resources:`, join a larger cluster, or name `resources.at_once` "
        "where the cluster starts nodes when trials wait for them"
    )


def calibrated(study: Study, corpus: Any) -> list[Any]:
    """Estimates of `study.planning.calibration`, measured where a trial of the study would run."""
    resources, folders = resources_of(study), python_path(chain.from_iterable(map(reachable, study.families)))
    return ray.get(
        ray.remote(num_cpus=resources["cpu"], num_gpus=resources["gpu"])(_calibrate).remote(study, corpus, folders)
    )


def _calibrate(study: Study, corpus: Any, folders: list[str]) -> list[Any]:
    extend_path(folders)
    from uncollapse.study.planning.calibration import calibrate

    return list(calibrate(study, corpus))


def seen_from_a_worker(workspace: Workspace, resources: Mapping[str, float]) -> list[str]:
    """What a worker of the cluster cannot reach: the study's folder. Only the driver speaks to MLflow."""
    probe = ray.remote(num_cpus=resources["cpu"], num_gpus=resources["gpu"])(_reachable)
    return ray.get(probe.remote(str(workspace.runs)))


def _reachable(runs: str) -> list[str]:
    from uncollapse.study.storage.workspace import writable

    return [f"seen from a worker, {error}"] if (error := writable(Path(runs))) else []
