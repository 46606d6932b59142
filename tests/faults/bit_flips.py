"""Bits that turn in the ledger of a study: how many are named, and how many would change its answer unnoticed.

    python -m tests.faults.bit_flips runs/my --flips 750

Each flip is tried on a copy. `unnoticed`, `wrong` and `traceback` have to be 0.
"""

import argparse
import tempfile
from collections import Counter
from pathlib import Path

from tests.support.damaged_ledgers import NAMED, OUTCOMES, REFUSED, drawn_flips, ended, outcome
from uncollapse.study.storage.tables import records
from uncollapse.study.storage.workspace import Workspace


def counts(folder: Path, flips: int, seed: int = 0) -> Counter[str]:
    """Outcomes of so many drawn flips of the ledger of the study in a folder."""
    place = Workspace.at(folder)
    content, truth = place.ledger.read_bytes(), ended(records(place.folder, place.study))
    with tempfile.TemporaryDirectory() as scratch:
        return Counter(
            outcome(damaged, place.study, Path(scratch) / "one", truth) for damaged in drawn_flips(content, flips, seed)
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="of a study, such as runs/my")
    parser.add_argument("--flips", type=int, default=750)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    found = counts(given.folder, given.flips, given.seed)
    print(", ".join(f"{name} {found[name]}" for name in OUTCOMES))
    if found.keys() - {NAMED, REFUSED}:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
