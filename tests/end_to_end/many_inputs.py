"""How many inputs nobody means are tried of each kind in the fast and in the slow suite, and how many really were.

Each kind is tried in both, with other inputs; a test counts what was run against this table and adds it up.
"""

import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis.strategies import SearchStrategy

FORMS = ("lines", "labelled", "csv", "tsv", "jsonl", "counts")


class Budget(NamedTuple):
    """Inputs of one kind, in the suite of every commit and in the one that CI runs after it."""

    fast: int
    slow: int


BUDGET: dict[str, Budget] = {
    "study page": Budget(200, 300),
    "page of a family": Budget(120, 200),
    "exported file": Budget(200, 300),
    **dict.fromkeys(map("corpus of {}".format, FORMS), Budget(40, 60)),
    "command line": Budget(400, 400),
    "ledger": Budget(150, 250),
}
SEEDS = {"fast": 0, "slow": 1}
LEAST = 2000  # in both suites together
SUITES = (pytest.param("fast"), pytest.param("slow", marks=pytest.mark.slow))
CALCULATING, WAITING = 20, 180  # seconds of a processor, and of a clock, since machines that run tests are shared
RAN: Counter[tuple[str, str]] = Counter()  # by suite and kind


def tried(suite: str, kind: str, body: Callable[..., None], **drawn: SearchStrategy[Any]) -> None:
    """Give a kind's number of examples to a test, the same ones every time and in every suite others."""

    def one(**values: Any) -> None:
        RAN[suite, kind] += 1
        with no_hang():
            body(**values)

    checks = (HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.differing_executors)
    examples = getattr(BUDGET[kind], suite)
    fixed = settings(max_examples=examples, deadline=None, database=None, suppress_health_check=checks)
    seed(SEEDS[suite])(fixed(given(**drawn)(one)))()


def each(suite: str, kind: str, inputs: Callable[[int, int], Iterator[Any]]) -> Iterator[Any]:
    """The same of inputs that are drawn otherwise, by their number and a seed."""
    for one in inputs(getattr(BUDGET[kind], suite), SEEDS[suite]):
        RAN[suite, kind] += 1
        with no_hang():
            yield one


@contextmanager
def no_hang() -> Iterator[None]:
    """Raise where an input is calculated with, or waited for, longer than any may take."""

    def end(number: int, frame: object) -> None:
        raise TimeoutError(f"an input took over {CALCULATING} s of a processor, or {WAITING} s")

    clocks = ((signal.SIGPROF, signal.ITIMER_PROF, CALCULATING), (signal.SIGALRM, signal.ITIMER_REAL, WAITING))
    before = [signal.signal(number, end) for number, _, _ in clocks]
    for _, clock, seconds in clocks:
        signal.setitimer(clock, seconds)
    try:
        yield
    finally:
        for (number, clock, _), handler in zip(clocks, before, strict=True):
            signal.setitimer(clock, 0)
            signal.signal(number, handler)


def lacking(suite: str) -> dict[str, int]:
    """Inputs that the table promises of each kind and that were not run."""
    short = {kind: getattr(budget, suite) - RAN[suite, kind] for kind, budget in BUDGET.items()}
    return {kind: count for kind, count in short.items() if count > 0}
