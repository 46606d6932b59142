"""Ledgers some of whose bytes have turned since they were written, and what is made of them."""

import random
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from uncollapse.analysis.schema import ENDED
from uncollapse.study.errors import UserError
from uncollapse.study.storage.ledger import Ledger
from uncollapse.study.storage.tables import recorded
from uncollapse.study.trial_record import TrialRecord

NAMED, REFUSED, UNNOTICED, TRACEBACK, WRONG = OUTCOMES = ("named", "refused", "unnoticed", "traceback", "wrong")


def flipped(content: bytes, bit: int) -> bytes:
    """The same bytes with one bit turned."""
    turned = bytearray(content)
    turned[bit // 8] ^= 1 << bit % 8
    return bytes(turned)


def drawn_flips(content: bytes, count: int, seed: int = 0) -> Iterator[bytes]:
    """The same bytes, each time with another bit turned."""
    bits = random.Random(seed).sample(range(8 * len(content)), count)
    return (flipped(content, bit) for bit in bits)


def ended(found: Sequence[TrialRecord]) -> dict[tuple[str, str], tuple[Any, ...]]:
    """What is known of every trial that has ended, but for when."""
    return {
        (one.stage, one.key): (
            one.state,
            one.params,
            one.configuration,
            [dict(epoch) for epoch in one.epochs],
            dict(one.final),
            one.origin,
            one.role,
        )
        for one in found
        if one.state in ENDED
    }


def outcome(content: bytes, study: str, folder: Path, truth: dict[tuple[str, str], tuple[Any, ...]]) -> str:
    """What becomes of a damaged ledger: read, and then opened for writing, in a folder that is made for it.

    `WRONG` where a trial that counts is another than in the truth, or a reader changes the file.
    """
    folder.mkdir()
    path = folder / "ledger.journal"
    path.write_bytes(content)
    try:
        reader = Ledger(folder, study)
        found = ended(recorded(reader))
        if path.read_bytes() != content or any(truth.get(key) != one for key, one in found.items()):
            return WRONG
        writer = Ledger(folder, study, write=True)
        if ended(recorded(writer)) != found or Ledger(folder, study).damage is not None:
            return WRONG
        return NAMED if reader.damage and writer.damage else UNNOTICED
    except UserError:
        return REFUSED
    except Exception:
        return TRACEBACK
    finally:
        shutil.rmtree(folder)
