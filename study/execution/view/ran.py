"""For how long a study has run, whatever lay between its processes."""

from collections.abc import Iterable, Iterator
from itertools import chain

from uncollapse.study.trial_record import TrialRecord

GAP = 60.0  # seconds without any training that still belong to a run: Ray starts, a trial is handed out

Span = tuple[float, float]


def ran_seconds(records: Iterable[TrialRecord], more: Iterable[Span] = ()) -> float:
    """Wall seconds in which anything trained, or shorter than `GAP` between two such; places that train at once count
    once.

    more: further spans of seconds since 1970 that count as a whole.
    """
    spans = sorted(chain(more, *map(_spans, records)))
    total, until = 0.0, float("-inf")
    for begin, end in spans:
        counted = until if begin - until <= GAP else begin
        total += max(0.0, end - counted)
        until = max(until, end)
    return total


def last_heard(records: Iterable[TrialRecord]) -> float:
    """When an epoch or a trial ended last; seconds since 1970, 0.0 where none has."""
    return max((end for record in records for _, end in _spans(record)), default=0.0)


def _spans(record: TrialRecord) -> Iterator[Span]:
    """Of each epoch that was trained here, and of the measures after the last one where nothing interrupted them."""
    for epoch in () if record.reused_from else record.epochs:
        if "time" in epoch:
            yield epoch["time"] - epoch["cost/seconds"], epoch["time"]
    if record.ended:
        yield record.ended, record.ended
