"""How long the processes of a study trained, read from what they recorded."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from uncollapse.study.trial_record import TrialRecord


def time_used(begun: Sequence[float], records: Sequence[TrialRecord]) -> float:
    """Wall seconds that earlier processes took: of each from its beginning to what it recorded last.

    Its report and everything between two processes is left out; all places count once, however many there were.

    Args:
        begun: seconds since 1970 at which each process began, in order.
        records: every trial of the study.
    """
    stamps = sorted(stamp for record in records for stamp in _stamps(record))
    seconds = 0.0
    for since, to in pairwise((*begun, math.inf)):
        seconds += max((stamp - since for stamp in stamps if since <= stamp < to), default=0.0)
    return seconds


def _stamps(record: TrialRecord) -> Iterator[float]:
    """When something of a trial was recorded."""
    yield from (epoch["time"] for epoch in record.epochs if "time" in epoch)
    yield from (stamp for stamp in (record.started, record.ended) if stamp)
