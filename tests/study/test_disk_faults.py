"""Every way in which what we write with can meet a full disk or a limit is one sentence, and no other error is."""

import errno
import os
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.support import models
from tests.support.full_disk import fill, small_disk
from uncollapse.analysis.whole_file import write_whole
from uncollapse.study.corpora.prepare import prepare
from uncollapse.study.disk_faults import SAYING, disk_error, disk_error_in, disk_errors_told
from uncollapse.study.errors import RunError, UserError
from uncollapse.study.results.saved_model import save_weights
from uncollapse.study.training import checkpoints

MUCH = np.zeros(40_000)


def to_sqlite(place: Path) -> None:
    with sqlite3.connect(place / "x.db") as database:
        database.execute("create table x (y)")
        database.execute("insert into x values (?)", (b"y" * 400_000,))


def to_corpus(place: Path) -> None:
    prepare({"name": "cafes", "sentences": 3000}, place / "corpora", place)


OURS = ("text", "corpus", "checkpoint", "weights")
WRITERS: dict[str, Callable[[Path], object]] = {
    "text": lambda place: write_whole(place / "x.json", "x" * 400_000),
    "numpy": lambda place: np.save(place / "x.npy", MUCH),
    "numpy, several": lambda place: np.savez(place / "x.npz", a=MUCH),
    "torch": lambda place: torch.save(torch.zeros(40_000), place / "x.pt"),
    "sqlite": to_sqlite,
    "corpus": to_corpus,
    "checkpoint": lambda place: checkpoints.save(models.training("seqvae"), place / "x.pt"),
    "weights": lambda place: save_weights(torch.nn.Linear(200, 200), place / "x.safetensors"),
}


def error_of(writer: str, place: Path) -> Exception:
    with pytest.raises(Exception) as raised:
        WRITERS[writer](place)
    return raised.value


@pytest.mark.parametrize("writer", WRITERS)
def test_a_full_disk_is_recognised_and_half_files_of_ours_are_gone(writer: str, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", megabytes=1) as disk:
        fill(disk)
        os.truncate(disk / "ballast", (1 << 20) - 40_000)
        assert (disk_error(error_of(writer, disk)) or "").startswith("disk: "), "with a little room"
        left = {path.name for path in disk.rglob("*") if path.is_file() and path.suffix != ".lock"}
        if writer in OURS:
            assert left == {"ballast"}


LIMITED = """
import resource, sys
from pathlib import Path
from tests.study.test_disk_faults import WRITERS
from uncollapse.study.disk_faults import disk_error
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
try:
    WRITERS[sys.argv[1]](Path(sys.argv[2]))
except Exception as error:
    print(disk_error(error))
"""


@pytest.mark.parametrize("writer", ["checkpoint", "weights", "corpus", "sqlite"])
def test_a_limit_of_the_process_is_recognised(writer: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", LIMITED, writer, str(tmp_path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.startswith("disk: "), said
    if writer in ("checkpoint", "weights"):
        assert "may not grow any further" in said
        assert list(tmp_path.iterdir()) == []
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


@pytest.mark.parametrize("number", SAYING)
def test_a_number_is_recognised_however_deep_it_lies_and_the_file_is_named(number: int) -> None:
    for deep in (ValueError("a"), ExceptionGroup("all", [KeyError("b"), OSError(number, "c", "/some/file")])):
        deep.__context__ = OSError(number, os.strerror(number), "/some/file")
        assert f"disk: {SAYING[number]} (/some/file);" in (disk_error(deep) or "")
    assert disk_error(RuntimeError(f"worker said: [Errno {number}] {os.strerror(number)}"))
    assert disk_error(RuntimeError(f"I/O error: whatever (os error {number})"))
    assert disk_error_in(os.strerror(number)), "a library that writes the words alone"


@pytest.mark.parametrize(
    "error",
    [
        ValueError("latent.size: 3 is expected"),
        FileNotFoundError(errno.ENOENT, "No such file or directory", "x"),
        PermissionError(errno.EACCES, "Permission denied", "x"),
        UserError("corpus.path: a file called 'No space left on device' cannot be found"),
        RuntimeError("CUDA out of memory"),
        MemoryError(),
        RuntimeError("[enforce fail at inline_container.cc:146] . failed finding central directory"),
    ],
)
def test_other_errors_are_left_alone(error: Exception) -> None:
    assert disk_error(error) is None
    with pytest.raises(type(error)) as raised, disk_errors_told():
        raise error
    assert raised.value is error


def test_what_a_disk_caused_is_told() -> None:
    with pytest.raises(RunError, match="disk: the quota is used up; nothing recorded is lost"), disk_errors_told():
        raise RuntimeError("(os error 122)")
