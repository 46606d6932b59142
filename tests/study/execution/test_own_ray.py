"""Where a Ray of a study's own lies, and what it leaves; a real Ray, in processes of its own."""

import fcntl
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.full_disk import fill, read_only, small_disk
from uncollapse.study.errors import UserError
from uncollapse.study.execution import own_ray

SCRIPT = """
import os, sys, time
from pathlib import Path
from uncollapse.study.execution import own_ray
own_ray.start(1)
import ray
print(os.environ["RAY_AUTH_TOKEN_PATH"], flush=True)
assert ray.get(ray.remote(lambda: 7).remote()) == 7
if "wait" in sys.argv:
    time.sleep(600)
if "twice" in sys.argv:
    own_ray.stop()
    own_ray.start(1)
    assert ray.get(ray.remote(lambda: 8).remote()) == 8
"""


def folder_of(process: "subprocess.Popen[str]") -> Path:
    assert process.stdout is not None
    return Path(process.stdout.readline().strip()).parent


def begun(*words: str, before: Sequence[str] = (), **environment: str) -> "subprocess.Popen[str]":
    command = [*before, sys.executable, "-c", SCRIPT, *words]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment}
    )


def gone(folder: Path, seconds: float = 60.0) -> bool:
    until = time.monotonic() + seconds
    while folder.exists() and time.monotonic() < until:
        time.sleep(0.2)
    return not folder.exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "surroundings",
    ["usual", "long TMPDIR", "no such TMPDIR", "other Rays", "no Ray there", "a Ray that has gone", "no home"],
)
def test_it_starts_whatever_surrounds_it_and_leaves_nothing(surroundings: str, tmp_path: Path) -> None:
    (tmp_path / ("x" * 105)).mkdir()
    (tmp_path / "ray").mkdir()
    (tmp_path / "ray" / "ray_current_cluster").write_text("127.0.0.1:9")
    environment = {
        "usual": {},
        "long TMPDIR": {"TMPDIR": str(tmp_path / ("x" * 105))},
        "no such TMPDIR": {"TMPDIR": str(tmp_path / "nothing")},
        "other Rays": {"RAY_ADDRESS": "127.0.0.1:9"},
        "no Ray there": {"RAY_ADDRESS": "gar/bage"},
        "a Ray that has gone": {"RAY_TMPDIR": str(tmp_path)},
        "no home": {"HOME": "/proc/nothing"},
    }[surroundings]
    process = begun("twice", **environment)
    folder = folder_of(process)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert "uncollapse:" not in said
    assert gone(folder)


@pytest.mark.slow
def test_killed_it_says_so_and_its_folder_goes_all_the_same() -> None:
    with begun("wait") as process:
        folder = folder_of(process)
        assert folder.stat().st_mode & 0o077 == 0, "nobody else reads Ray's logs"
        process.send_signal(signal.SIGKILL)
        assert process.stderr is not None
        assert own_ray.DIED in process.stderr.read()
    assert gone(folder)


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder with a short name."""
    with tempfile.TemporaryDirectory(prefix="s", dir="/tmp") as name:
        yield Path(name)


def test_what_dead_studies_left_is_removed_and_nothing_else(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_ray, "SHARED", (str(place),))
    monkeypatch.setenv("TMPDIR", "/nowhere")
    dead, living, others = (place / f"{own_ray.PREFIX}{name}" for name in ("dead", "living", "others"))
    bare = place / f"{own_ray.PREFIX}bare"
    for folder in (dead, living, others, bare):
        folder.mkdir()
    (dead / own_ray.LOCK).touch()
    with (living / own_ray.LOCK).open("w") as lock:
        for folder in (dead, living, bare):
            os.utime(folder, (0, 0))
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert own_ray.swept_place() == place
    assert [folder.exists() for folder in (dead, living, others, bare)] == [False, True, True, False]


@pytest.mark.parametrize("kind", ["nothing", "a file", "no disk", "full", "read-only"])
def test_a_place_that_takes_no_files_is_passed_over(kind: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = place / "t"
    if kind == "a file":
        other.write_text("")
    with ExitStack() as stack:
        if kind == "full":
            fill(stack.enter_context(small_disk(other, megabytes=1)))
        if kind == "read-only":
            (place / "r").mkdir()
            stack.enter_context(read_only(place / "r", other))
        (place / "good").mkdir()
        monkeypatch.setattr(own_ray, "SHARED", (str(place / "good"),))
        monkeypatch.setenv("TMPDIR", "/proc" if kind == "no disk" else str(other))
        assert own_ray.swept_place() == place / "good"
        assert list((place / "good").iterdir()) == []


NOBODY = [
    "unshare",
    "--user",
    "--map-user=54321",
    "--map-group=54321",
    "env",
    "-u",
    "USER",
    "-u",
    "LOGNAME",
    "-u",
    "HOME",
]


@pytest.mark.slow
@pytest.mark.skipif(
    subprocess.run([*NOBODY, "true"], capture_output=True, check=False).returncode != 0,
    reason="this machine lets nobody be another user",
)
def test_a_user_without_an_entry_in_the_list_of_users_has_a_ray() -> None:
    with begun("twice", before=NOBODY) as process:
        folder = folder_of(process)
        _, said = process.communicate(timeout=300)
        assert process.returncode == 0, said
    assert gone(folder)


@pytest.mark.slow
def test_too_little_memory_is_a_sentence_and_leaves_nothing() -> None:
    with begun(before=["prlimit", f"--as={2 * 10**9}"]) as process:
        out, said = process.communicate(timeout=300)
    assert process.returncode != 0
    assert out == ""
    assert "RunError: Ray does not start on this machine (" in said
    assert "it needs memory, processes and a folder for its sockets (see `ulimit -a` and TMPDIR)" in said


def test_without_a_place_the_error_says_what_would_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_ray, "SHARED", ())
    monkeypatch.setenv("TMPDIR", str(tmp_path / ("x" * 105)))
    with pytest.raises(UserError, match=r"TMPDIR: Ray needs a folder .* at most \d\d letters"):
        own_ray.swept_place()
