"""Small disks that a test can fill, and folders that can only be read, where the machine lets us mount them."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

BLOCK = 4096


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A folder that is a disk of its own; skips the test where none can be mounted."""
    with _mounted(folder, "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs"):
        yield folder


@contextmanager
def read_only(folder: Path, place: Path) -> Iterator[Path]:
    """The same folder at another place, where nothing can be written; skips the test where none can be mounted."""
    with _mounted(place, "--bind", str(folder)):
        subprocess.run(["mount", "-o", "remount,ro,bind", str(place)], check=True)
        yield place


@contextmanager
def _mounted(place: Path, *options: str) -> Iterator[None]:
    place.mkdir()
    try:
        done = subprocess.run(["mount", *options, str(place)], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("this needs `mount`, which is not here")
    if done.returncode:
        pytest.skip(f"this needs the right to mount: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(folder: Path) -> Path:
    """Take every byte that is left; returns the file to remove."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 20, BLOCK):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue
    return ballast
