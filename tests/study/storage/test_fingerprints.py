"""Names made from content."""

import re
import subprocess
import sys

import pytest

from uncollapse.study.config import families
from uncollapse.study.storage import fingerprints

CONFIGURATION = {"latent": {"kind": "vmf", "kappa": 80.0}, "decoder": {"inject": ["state", "input"]}}


def test_a_digest_depends_on_content_and_not_on_the_order_of_keys() -> None:
    swapped = {"decoder": {"inject": ["state", "input"]}, "latent": {"kappa": 80.0, "kind": "vmf"}}
    assert fingerprints.digest(CONFIGURATION, 1) == fingerprints.digest(swapped, 1)
    assert re.fullmatch("[0-9a-f]{12}", fingerprints.digest(CONFIGURATION))
    others = [
        fingerprints.digest(CONFIGURATION, 2),
        fingerprints.digest(CONFIGURATION),
        fingerprints.digest(1, CONFIGURATION),
    ]
    assert len({fingerprints.digest(CONFIGURATION, 1), *others}) == 4


def test_a_tuple_is_named_as_the_list_that_a_file_makes_of_it() -> None:
    as_tuple = {"decoder": {"inject": ("state", "input")}}
    assert fingerprints.digest(as_tuple) == fingerprints.digest({"decoder": {"inject": ["state", "input"]}})


def test_a_digest_is_the_same_in_every_process() -> None:
    complete = families.load("vmf").configure({})
    code = f"from uncollapse.study.storage.fingerprints import digest, fingerprint; print(digest({CONFIGURATION!r}), fingerprint({complete!r}))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found == f"{fingerprints.digest(CONFIGURATION)} {fingerprints.fingerprint(complete)}\n"


@pytest.mark.parametrize("family", families.names())
def test_how_files_are_written_decides_no_number(family: str) -> None:
    """What is said of a full disk, and how a checkpoint is written and read, may change under a study."""
    reached = fingerprints.files_of(families.load(family).configure({}))
    assert {"study/training/training.py", "models/text_vae.py"} <= reached.keys()
    files = {"study/disk_faults.py", "analysis/whole_file.py", "study/training/checkpoints.py"}
    assert not files & reached.keys()


def test_a_configuration_is_named_by_eight_digits() -> None:
    assert re.fullmatch("[0-9a-f]{8}", fingerprints.configuration_id(CONFIGURATION))
    assert fingerprints.configuration_id(CONFIGURATION) != fingerprints.configuration_id({})
