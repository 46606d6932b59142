"""What of a trial says where its study is: whoever counts, times or draws a study needs no more of it than this."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

PAUSE = 1.0  # seconds between two epochs of a trial that belong together; between two processes more go by
Span = tuple[float, float]  # seconds since 1970


class Outline(Protocol):
    """A trial, as far as it says where its study is; `TrialRecord` says what the names mean."""

    @property
    def key(self) -> str: ...
    @property
    def family(self) -> str: ...
    @property
    def stage(self) -> str: ...
    @property
    def number(self) -> int: ...
    @property
    def configuration_id(self) -> str: ...
    @property
    def seed(self) -> int: ...
    @property
    def state(self) -> str: ...
    @property
    def started(self) -> float: ...
    @property
    def ended(self) -> float: ...
    @property
    def reused_from(self) -> str: ...
    @property
    def trained(self) -> int: ...
    @property
    def seconds(self) -> float: ...
    @property
    def heard(self) -> float: ...
    @property
    def spans(self) -> tuple[Span, ...]: ...
    @property
    def measures(self) -> Mapping[str, float]: ...


def joined(spans: Iterable[Span], gap: float) -> Iterator[Span]:
    """The same time in as few spans as there are gaps longer than `gap` seconds, in order."""
    begin, until = float("inf"), float("-inf")
    for since, to in sorted(spans):
        if since - until > gap:
            if begin <= until:
                yield begin, until
            begin, until = since, to
        else:
            until = max(until, to)
    if begin <= until:
        yield begin, until
