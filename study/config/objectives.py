"""What a search is after: figures that are compared, each in its direction, and limits that a trial has to keep."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from uncollapse.analysis.counted import counted
from uncollapse.analysis.schema import DECISIVE, FINISHED, SEARCH
from uncollapse.models.configuration.unknown_name import unknown
from uncollapse.study.trial_record import TrialRecord, selected

BOUNDS = ("nll_iw", "nll_elbo")  # by which a trial is compared wherever one figure has to be
LIVING, NONE = "living", "none"  # what `subject_to` may say in place of limits
# Nats, five times the verdict's thresholds: of 324 recorded configurations x 3 seeds, one that keeps it on one seed is
# alive on another with a share of 0.92, against 0.77 at the thresholds themselves (tests/benchmarks/searches/tables).
MARGIN = 0.5
MORE = (
    "mi",
    "latent_gain",
    "active_units",
    "hoyer_mean",
    "hoyer_mean_centred",
    "hoyer_sample",
    "hoyer_sample_centred",
    "accuracy",
)
LIMITED = (*MORE, "kl", "dims_dropped")
FORM = re.compile(r"\s*(>=|<=)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*")


Direction = Literal["minimize", "maximize"]


class Limit(NamedTuple):
    """A measure that has to be at least, or at most, so much."""

    measure: str
    sign: Literal[">=", "<="]
    bound: float

    def excess(self, value: float) -> float:
        """By how much a value breaks the limit; 0 or below where it keeps it."""
        return self.bound - value if self.sign == ">=" else value - self.bound

    def __str__(self) -> str:
        return f"{self.measure} {self.sign} {self.bound:g}"

    @classmethod
    def read(cls, text: str) -> "Limit":
        """From what `str` gives: `mi >= 0.5`."""
        measure, rest = text.split(" ", 1)
        return _limit(measure, rest)


def limits(subject_to: str | Mapping[str, str]) -> tuple[Limit, ...]:
    """The limits of a checked page: those of a code that is used, none, or its own."""
    if isinstance(subject_to, str):
        return tuple(Limit(name, ">=", MARGIN) for name in DECISIVE) if subject_to == LIVING else ()
    return tuple(_limit(name, text) for name, text in subject_to.items())


def _limit(name: str, text: str) -> Limit:
    found = FORM.fullmatch(text)
    assert found is not None, text
    return Limit(plain(name), ">=" if found[1] == ">=" else "<=", float(found[2]))


def plain(name: str) -> str:
    """A measure without the split in front."""
    return name.removeprefix("valid/").removeprefix("subset/")


def excesses(measures: Mapping[str, float], kept: Sequence[Limit]) -> dict[str, float]:
    """By how much the validation subset breaks each limit; a measure that a model does not have has no limit."""
    return {str(one): excess for one, excess in _excesses(measures, kept)}


def _excesses(measures: Mapping[str, float], kept: Sequence[Limit]) -> Iterator[tuple[Limit, float]]:
    for one in kept:
        if (place := f"subset/{one.measure}") in measures:
            yield one, one.excess(measures[place])


def violation(measures: Mapping[str, float], kept: Sequence[Limit]) -> float:
    """The sum of what is broken; 0 where every limit is kept."""
    return sum(max(0.0, excess) for _, excess in _excesses(measures, kept))


def standing(measures: Mapping[str, float], bound: str, kept: Sequence[Limit]) -> tuple[float, float]:
    """How good a trial or an epoch is: what it breaks of the limits, then its bound; lower is better in both."""
    value = selected(measures, bound)
    assert value is not None, sorted(measures)
    return violation(measures, kept), value


def kept_by_none(trials: Sequence[TrialRecord], kept: Sequence[Limit]) -> str:
    """The sentence for a search of which trials finished and none within the limits; "" where one did, or none is."""
    finished = [record for record in trials if record.stage == SEARCH and record.state == FINISHED]
    if not finished or any(violation(record.measures, kept) == 0 for record in finished):
        return ""
    return f"none of {counted(len(finished), 'finished trial')} of its search has {' and '.join(map(str, kept))}"


def in_words(select: str | Sequence[str], subject_to: str | Mapping[str, str]) -> str:
    """What is best, for a caption: "lowest nll_iw, in nats, of living codes (mi, latent_gain >= 0.5), on ..."."""
    first, *others = objectives(select)
    kept = limits(subject_to)
    among = f"within {', '.join(map(str, kept))}"
    if subject_to == LIVING:
        among = f"of living codes ({', '.join(DECISIVE)} >= {MARGIN:g})"
    besides = f"; {', '.join(others)}: the higher the better" if others else ""
    return f"lowest {first}, in nats, {f'{among}, ' if kept else ''}on the choosing sentences{besides}"


def objectives(select: str | Sequence[str]) -> tuple[str, ...]:
    """The names of what is compared, without their split; the first is a bound."""
    return tuple(map(plain, [select] if isinstance(select, str) else select))


def directions(select: str | Sequence[str]) -> list[Direction]:
    """In Optuna's words."""
    return ["minimize" if name in BOUNDS else "maximize" for name in objectives(select)]


def values(record: TrialRecord, select: str | Sequence[str]) -> list[float] | None:
    """What a trial reached in every objective; of one that its model does not have, 0 like all of its family."""
    first, *others = objectives(select)
    bound = selected(record.measures, first)
    return None if bound is None else [bound, *(record.measures.get(f"subset/{name}", 0.0) for name in others)]


def costs(record: TrialRecord, select: str | Sequence[str]) -> list[float]:
    """The same of a finished trial, every one better when lower."""
    found = values(record, select)
    assert found is not None, record.key
    return [value if way == "minimize" else -value for value, way in zip(found, directions(select), strict=True)]


def select_error(value: Any) -> str | None:
    """What is wrong with `search.select`, as the rest of a sentence."""
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not names or not all(isinstance(name, str) for name in names):
        return f"must be valid/nll_iw or valid/nll_elbo, or a list of it and of {', '.join(MORE)}"
    first, *others = map(plain, names)
    if first not in BOUNDS:
        return f"must begin with valid/nll_iw or valid/nll_elbo{' before the others' if others else ''}"
    if strangers := [name for name in others if name not in MORE]:
        return unknown("further objective", strangers[0], MORE)
    return "must not name anything twice" if len(set(others)) < len(others) else None


def limits_error(value: Any) -> str | None:
    """What is wrong with `search.subject_to`, as the rest of a sentence."""
    if value in (LIVING, NONE):
        return None
    if not isinstance(value, Mapping):
        return 'must be living or none, or map measures to limits, such as {subset/mi: ">= 0.1"}'
    for name, text in value.items():
        if not isinstance(name, str) or plain(name) not in LIMITED:
            return unknown("measure with a limit", str(name), [f"subset/{known}" for known in LIMITED])
        if not isinstance(text, str) or not FORM.fullmatch(text):
            return f'must limit {name} by ">= number" or "<= number"'
    return "must not name anything twice" if len(set(map(plain, value))) < len(value) else None
