"""Bits turn in the ledger of a real study: each is named, and a run trains again what hung on it, to the same figures."""

import subprocess
from pathlib import Path

import pytest

from tests.faults.bit_flips import counts
from tests.support.damaged_ledgers import NAMED, flipped
from tests.support.running_studies import UNCOLLAPSE, figures, left, page, run

pytestmark = pytest.mark.slow
SMALL = {
    "families": ["seqvae"],
    "search": {"trials": 2, "sampler": "random", "stop_early": "none", "subject_to": "none"},
    "replicate": {"configurations": 1, "seeds": 2, "also": []},
    "train": {"epochs": 2, "batch_size": 16},
}
FLIPS = 100


def test_flips_are_named_and_a_run_mends_what_hung_on_them(tmp_path: Path) -> None:
    study, runs = page(tmp_path, **SMALL), tmp_path / "runs"
    run(study, runs)
    expected = figures(left(runs))
    assert counts(runs / "faulty", FLIPS) == {NAMED: FLIPS}

    ledger = runs / "faulty" / "ledger.journal"
    content = ledger.read_bytes()
    at = content.index(b"epoch/00002") + 80
    ledger.write_bytes(flipped(content, 8 * at))
    line = content[:at].count(b"\n") + 1
    for words in (["status", "faulty"], ["report", "faulty"], ["export", "faulty", "--force"]):
        command = [*UNCOLLAPSE, *words, "--runs", str(runs)]
        said = subprocess.run(command, capture_output=True, text=True, check=True)
        assert f"ledger.journal, line {line}: damaged since it was written; not counted any more: trial " in said.stderr
        assert ledger.read_bytes() == flipped(content, 8 * at), "who reads changes nothing"
    assert f"ledger.journal, line {line}: damaged" in (runs / "faulty" / "report" / "index.html").read_text()

    said = run(study, runs).stdout
    assert f"line {line}: damaged" in " ".join(said.split())
    assert figures(left(runs)) == expected
    assert "damaged since" not in (runs / "faulty" / "report" / "index.html").read_text()
    verified = subprocess.run([*UNCOLLAPSE, "verify", "faulty", "--runs", str(runs)], check=False)
    assert verified.returncode == 0
