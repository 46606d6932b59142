"""How long the processes of a study trained, read from what they recorded."""

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from uncollapse.study.outline import Outline, Span


def time_used(begun: Sequence[float], records: Iterable[Outline], before: float = math.inf) -> float:
    """Wall seconds that earlier processes took: of each from its beginning to what it recorded last.

    Its report and everything between two processes is left out; all places count once, however many there were.

    Args:
        begun: seconds since 1970 at which each process began, in order.
        records: every trial of the study.
        before: seconds since 1970 from which on nothing counts.
    """
    spans = [span for record in records for span in _recorded(record)]
    return sum((_of_process(spans, since, to) for since, to in pairwise((*begun, before))), start=0.0)


def _of_process(spans: Sequence[Span], since: float, to: float) -> float:
    """A span over the end of a process, which began again within a second, counts up to there."""
    return max((min(end, to) - since for begin, end in spans if begin < to and end >= since), default=0.0)


def _recorded(record: Outline) -> Iterator[Span]:
    """When it trained, began and ended."""
    yield from record.spans
    yield from ((moment, moment) for moment in (record.started, record.ended) if moment)
