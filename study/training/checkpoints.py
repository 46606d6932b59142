"""Checkpoints of trainings: written whole, read with their checksums, and whose they are.

Nothing that `study.training.training` imports: what is trained does not depend on how a file is written, so this may
change under a study, whose fingerprints cover what that module reaches. What a checkpoint *holds* is decided there.
"""

import zipfile
from pathlib import Path
from typing import Any

import torch

from uncollapse.analysis.whole_file import put_aside, replaced
from uncollapse.study.disk_faults import disk_error
from uncollapse.study.training.training import Training


def save(training: Training, path: Path, whose: str = "") -> None:
    """Write a checkpoint; the old one stays until the new one is whole.

    Args:
        training: of which.
        path: of the file.
        whose: what it is the training of, which `resume` asks for.
    """
    partial = path.with_name(path.name + ".partial")
    with replaced(path, partial), partial.open("wb") as file:  # one of Python's own says why it cannot be written
        torch.save({"whose": whose, **training.state()}, file)


def resume(training: Training, path: Path, whose: str = "") -> bool:
    """Go on from a checkpoint if there is one; one that is not whole, or of another training, is put aside, and costs
    its epochs again."""
    if not path.exists():
        return False
    try:
        state = _whole(path, training, whose)
    except Exception as error:  # whatever a reader says of bytes that nobody wrote
        if disk_error(error) is not None:
            raise
        put_aside(path)
        return False
    training.go_on_from(state)
    return True


def _whole(path: Path, training: Training, whose: str) -> dict[str, Any]:
    """What a checkpoint holds; raises if a byte of it is not as it was written, and runs nothing that stands in it."""
    with zipfile.ZipFile(path) as file:
        if (damaged := file.testzip()) is not None:  # torch reads a record without looking at its checksum
            raise zipfile.BadZipFile(damaged)
    state: dict[str, Any] = torch.load(path, map_location=training.device, weights_only=True)
    if not training.state().keys() <= state.keys() or state.get("whose") != whose:
        raise zipfile.BadZipFile("not of this training")
    return state
