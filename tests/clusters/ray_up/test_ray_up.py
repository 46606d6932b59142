"""`ray up` with the on-premises file over two machines with SSH servers, studies as a user starts them, `ray down`."""

import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.clusters.ray_up.launcher import Launcher, launcher
from tests.clusters.ray_up.machines import ROOT, Machine

pytestmark = [pytest.mark.slow, pytest.mark.cluster]
RUN = "uncollapse run {page} --address auto --runs /shared/runs"
UNDER_WAY = r"ls -l /proc/[0-9]*/fd 2>/dev/null | grep -c '/shared/runs/{study}/checkpoints/.*\.lock'"


@pytest.fixture(scope="module")
def up() -> Iterator[Launcher]:
    with launcher() as made:
        made.up()
        yield made


def test_a_node_without_the_shared_folder_is_refused_before_anything_is_installed() -> None:
    with launcher() as made:
        made.nodes[0].run("umount", "/shared")
        said = made.shell("ray up ~/cluster.yaml --yes; echo ended with $?")
        assert "every node mounts the shared file system at /shared" in said
        assert f"{made.nodes[0].name} does not" in said
        assert "ended with 1" in said
        assert "raylet" not in made.nodes[0].run("ps", "ax")
        assert not (made.nodes[0].home / "uncollapse" / "build").exists()


def test_machines_see_no_process_of_this_one_and_none_of_each_other(up: Launcher) -> None:
    for machine in (up.user, *up.nodes):
        assert machine.run("readlink", "/proc/self/ns/pid").strip() != str(Path("/proc/self/ns/pid").readlink())
        assert str(ROOT / "tests") not in machine.run("ps", "axww")
    first, second = (set(_raylets(node)) for node in up.nodes)
    assert len(first) == len(second) == 1  # two, if either saw the other's


def _raylets(node: Machine) -> list[str]:
    return re.findall(
        r"--node_id=(\w+)", "\n".join(line for line in node.run("ps", "axww").splitlines() if "raylet/raylet " in line)
    )


def test_nodes_hold_the_sources_and_a_token_that_nobody_else_reads(up: Launcher) -> None:
    for node in up.nodes:
        assert node.run("stat", "-c", "%a", "/root/.ray/auth_token") == "600\n"
        there = {path.name for path in (node.home / "uncollapse").iterdir()} - {"build", "uncollapse.egg-info"}
        assert there == {
            "pyproject.toml",
            "constraints.txt",
            "README.md",
            "uncollapse",
            "study",
            "models",
            "search_spaces",
            "analysis",
        }
        assert not [path for path in (node.home / "uncollapse").rglob("__pycache__") if "build" not in path.parts]
        found = node.run(
            "/root/venv/bin/python", "-c", "import uncollapse.cli.main; print(uncollapse.cli.main.__file__)"
        )
        assert found.startswith("/root/venv/lib/")  # installed there; the project's folder is hidden from the nodes
        installed = Path(found.strip()).relative_to("/root/venv")
        assert (
            node.run("cat", f"/root/venv/{installed}") == (node.home / "uncollapse/uncollapse/cli/main.py").read_text()
        )


def test_who_has_no_token_is_refused_and_the_page_is_not_on_the_network(up: Launcher) -> None:
    ask = "curl --silent --output /dev/null --write-out '%{http_code} ' "
    token = '-H "Authorization: Bearer $(cat ~/.ray/auth_token)" '
    said = up.on_head(f"{ask} http://127.0.0.1:8265/api/jobs/; {ask} {token} http://127.0.0.1:8265/api/jobs/")
    assert "401 200" in said
    head = up.nodes[0].address
    assert "ended with 7" in up.shell(f"{ask} http://{head}:8265/api/jobs/; echo ended with $?")  # nobody listens
    join = f"timeout 60 python -c \"import ray; ray.init(address='{head}:6379')\""
    for without in ("RAY_AUTH_MODE=disabled", "RAY_AUTH_MODE=token RAY_AUTH_TOKEN=guessed"):
        assert "Authentication token is missing or incorrect" in up.shell(f"{without} {join}", check=False)


def test_a_study_runs_by_ray_exec(up: Launcher) -> None:
    said = up.on_head(RUN.format(page=up.page("by-exec", epochs=2)), seconds=400)
    assert "4 search trials and 4 confirmation runs" in said
    assert "No planned trial was lost." in said
    assert up.verified("by-exec")["trials"] == 8
    up.shell("ray rsync-down ~/cluster.yaml /shared/runs/by-exec/ ~/by-exec/")
    assert (up.user.home / "by-exec" / "report" / "index.html").exists()
    assert "4 trials at once" in up.on_head("uncollapse plan /shared/by-exec.yaml --address auto --runs /shared/runs")


@dataclass
class Watch:
    """Looks at nodes until all of them have trained, or it is told to stop.

    Attributes:
        trained: names of the nodes on which a trial of the study held its checkpoint.
    """

    study: str
    nodes: list[Machine]
    trained: set[str] = field(default_factory=set)
    over: threading.Event = field(default_factory=threading.Event)

    def __call__(self) -> None:
        while not self.over.wait(1) and len(self.trained) < len(self.nodes):
            for node in self.nodes:
                if int(node.run("bash", "-c", UNDER_WAY.format(study=self.study), check=False) or 0):
                    self.trained.add(node.name)


def test_a_study_runs_as_a_job_that_is_left_and_found_again_from_another_machine(up: Launcher) -> None:
    run = RUN.format(page=up.page("as-job", epochs=30))
    watch = Watch("as-job", up.nodes)
    thread = threading.Thread(target=watch)
    thread.start()
    try:
        up.on_head(f"ray job submit --no-wait --submission-id as-job -- {run}")
        until(lambda: "as-job: running" in up.on_head("uncollapse status as-job --runs /shared/runs", check=False))
        seen = up.over_ssh(up.nodes[1], "~/venv/bin/uncollapse status as-job --watch --runs /shared/runs", seconds=400)
    finally:
        watch.over.set()
        thread.join()
    assert "as-job: running" in seen
    assert "as-job: not running, nothing left" in seen  # it watched until the study ended
    assert watch.trained == {node.name for node in up.nodes}
    assert "Job 'as-job' succeeded" in ended(up, "as-job")
    assert "No planned trial was lost." in up.on_head("ray job logs as-job")
    assert "working_dir" not in up.on_head("ray job list")  # nothing was uploaded
    assert up.verified("as-job")["trials"] == 8


def ended(up: Launcher, job: str) -> str:
    """What Ray says of a job once it has ended, a moment after its study."""
    until(lambda: "RUNNING" not in up.on_head(f"ray job status {job}"))
    return up.on_head(f"ray job status {job}")


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(1)


def test_ray_down_stops_ray_there_and_touches_no_other_machine(up: Launcher) -> None:
    decoy = subprocess.Popen(["bash", "-c", "exec -a raylet sleep 600"])
    try:
        assert "No nodes remaining" in up.shell("ray down ~/cluster.yaml --yes")
        assert "raylet" not in up.nodes[0].run("ps", "axww")
        up.over_ssh(up.nodes[1], "~/venv/bin/ray stop")  # `ray down` leaves a worker to itself
        assert "raylet" not in up.nodes[1].run("ps", "axww")
        assert decoy.poll() is None
    finally:
        decoy.kill()
        decoy.wait()
