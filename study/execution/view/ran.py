"""For how long a study has run, whatever lay between its processes."""

from collections.abc import Iterable, Iterator
from itertools import chain

from uncollapse.study.outline import Outline, Span, joined

GAP = 60.0  # seconds without any training that still belong to a run: Ray starts, a trial is handed out


def ran_seconds(records: Iterable[Outline], more: Iterable[Span] = ()) -> float:
    """Wall seconds in which anything trained, or shorter than `GAP` between two such; places that train at once count
    once.

    more: further spans of seconds since 1970 that count as a whole.
    """
    spans = chain(more, chain.from_iterable(map(_spans, records)))
    return sum((end - begin for begin, end in joined(spans, GAP)), start=0.0)


def last_heard(records: Iterable[Outline]) -> float:
    """When an epoch or a trial ended last; seconds since 1970, 0.0 where none has."""
    return max((max(record.ended, 0.0 if record.reused_from else record.heard) for record in records), default=0.0)


def _spans(record: Outline) -> Iterator[Span]:
    """When it was trained here, and of the measures after the last epoch where nothing interrupted them."""
    if not record.reused_from:
        yield from record.spans
    if record.ended:
        yield record.ended, record.ended
