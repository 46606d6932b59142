"""A study on the AWS file's kinds of nodes: a head without CPUs, and GPU workers that come with the trials and go."""

import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clusters.ray_up.launcher import PAGE, TOKEN
from tests.clusters.ray_up.machines import ROOT, Machine, machines

pytestmark = [pytest.mark.slow, pytest.mark.cluster]
READY = f"cd {ROOT}; export PATH={Path(sys.executable).parent}:$PATH RAY_AUTH_MODE=token OMP_NUM_THREADS=1; "


def shell(head: Machine, command: str, check: bool = True) -> str:
    return head.run("bash", "-c", READY + command, check=check, seconds=400)


def workers(head: Machine) -> int:
    found = re.search(r"(\d+) gpu_worker$", shell(head, "ray status").partition("Recent failures")[0], re.MULTILINE)
    return int(found[1]) if found else 0


@pytest.fixture(scope="module")
def head() -> Iterator[Machine]:
    with machines(0) as (machine, _):
        script = Path(__file__).with_name("autoscaling.py")
        shell(machine, f"{TOKEN}; python {script} {ROOT / 'ray_cluster.yaml'}")
        deadline = time.monotonic() + 60
        while "Total Usage" not in shell(machine, "ray status"):
            assert time.monotonic() < deadline
            time.sleep(1)
        yield machine


def study(head: Machine, resources: str) -> str:
    (head.home / "grown.yaml").write_text(PAGE.format(name="grown", epochs=2) + f"resources: {resources}\n")
    return shell(head, "uncollapse run ~/grown.yaml --address auto --runs ~/runs; echo ended with $?")


def test_without_at_once_nothing_waits_and_the_refusal_says_so(head: Machine) -> None:
    assert workers(head) == 0
    said = study(head, "{gpus: 1}")
    assert "ended with 2" in said
    assert "have 0 CPU, 0 GPU together" in said
    assert "resources.at_once" in said


def test_workers_come_for_the_trials_and_go_afterwards(head: Machine) -> None:
    said = study(head, "{gpus: 1, at_once: 2}")
    assert "ended with 0" in said
    assert "4 search trials and 4 confirmation runs" in said
    assert "No planned trial was lost." in said
    assert "all agree" in shell(head, "uncollapse verify grown --runs ~/runs")
    came = re.findall(r"Launched|QUEUED->REQUESTED", shell(head, "cat /tmp/ray/session_latest/logs/monitor.log"))
    assert len(came) >= 1
    deadline = time.monotonic() + 120
    while workers(head):
        assert time.monotonic() < deadline, shell(head, "ray status")
        time.sleep(2)
