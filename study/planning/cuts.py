"""What would cut a study's hours, key by key, and what each cut costs in resolution. Pure functions."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from uncollapse.analysis.statistics.intervals import proportion
from uncollapse.study.config.study_page import Study
from uncollapse.study.durations import duration
from uncollapse.study.planning import budget
from uncollapse.study.planning.budget import LEAST_EPOCHS, LEAST_TRIALS, Numbers
from uncollapse.study.planning.resolution import can_be_exported
from uncollapse.study.stages.pace import Expected

LEAST_SEEDS, LEAST_SAMPLES = 3, 8


class Cut(NamedTuple):
    """A smaller study: what is changed, the study and what its trials take, and what is lost."""

    what: str
    study: Study
    expected: Mapping[str, Expected]
    price: str


def cuts(study: Study, expected: Mapping[str, Expected], slots: int) -> list[dict[str, Any]]:
    """Rows of `what`, `saves_seconds` of wall time and `price`, by what they save; what saves nothing is left out."""
    whole = budget.wall(study, expected, slots).whole
    saved = [(whole - budget.wall(cut.study, cut.expected, slots).whole, cut) for cut in _every(study, expected)]
    return [
        {"what": cut.what, "saves_seconds": seconds, "price": cut.price}
        for seconds, cut in sorted(saved, key=lambda pair: -pair[0])
        if seconds > 0
    ]


def lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The rows for people."""
    if not rows:
        return []
    told = [f"  {row['what']}: saves {duration(row['saves_seconds'])}; {row['price']}" for row in rows]
    return ["cuts       what would save wall time, and what it costs", *told]


def _every(study: Study, expected: Mapping[str, Expected]) -> Iterator[Cut]:
    own = Numbers.of(study)
    for numbers in _smaller(own):
        yield Cut(_change(own, numbers), numbers.over(study), expected, _price(study, own, numbers))
    yield from _samples(study, expected)
    yield from _families(study, expected)


def _smaller(own: Numbers) -> Iterator[Numbers]:
    """Each number halved by itself, where that leaves enough."""
    halves = Numbers(
        max(LEAST_TRIALS, own.trials // 2),
        max(LEAST_EPOCHS, own.epochs // 2),
        max(1, own.configurations // 2),
        max(LEAST_SEEDS, own.seeds // 2),
    )
    for name, half in halves._asdict().items():
        if half < getattr(own, name):
            yield own._replace(**{name: half})


KEYS = {
    "trials": "search.trials",
    "epochs": "train.epochs",
    "configurations": "replicate.configurations",
    "seeds": "replicate.seeds",
}


def _changed(own: Numbers, now: Numbers) -> str:
    return next(name for name in KEYS if getattr(own, name) != getattr(now, name))


def _change(own: Numbers, now: Numbers) -> str:
    name = _changed(own, now)
    return f"{KEYS[name]} {getattr(own, name)} -> {getattr(now, name)}"


def _price(study: Study, own: Numbers, now: Numbers) -> str:
    prices = {"trials": _trials, "epochs": _epochs, "configurations": _configurations, "seeds": _seeds}
    return prices[_changed(own, now)](study, own, now)


def _trials(study: Study, own: Numbers, now: Numbers) -> str:
    return (
        f"the best of {now.trials} random proposals is expected to be among the best {1 / (now.trials + 1):.1%} of the "
        f"space instead of {1 / (own.trials + 1):.1%}"
    )


def _epochs(study: Study, own: Numbers, now: Numbers) -> str:
    return f"all that is said is said of models trained for {now.epochs / own.epochs:.0%} as long"


def _configurations(study: Study, own: Numbers, now: Numbers) -> str:
    return f"{now.configurations} instead of {own.configurations} of a family to choose from when some collapse"


def _seeds(study: Study, own: Numbers, now: Numbers) -> str:
    before, after = (float(proportion(0, seeds).high) for seeds in (own.seeds, now.seeds))
    kept = can_be_exported(study, now.seeds) or not can_be_exported(study, own.seeds)
    barred = (
        "" if kept else f", too few to keep export.collapse_limit: {study.export.collapse_limit:g} with any outcome"
    )
    return (
        f"still compatible with {after:.0%} instead of {before:.0%} collapses where none is seen (Wilson, 95 %){barred}"
    )


def _samples(study: Study, expected: Mapping[str, Expected]) -> Iterator[Cut]:
    own = study.evaluate.full_samples
    if (fewer := max(LEAST_SAMPLES, own // 4)) < own:
        evaluate = dataclasses.replace(study.evaluate, full_samples=fewer)
        cheaper = {name: one._replace(full=one.full * fewer / own) for name, one in expected.items()}
        price = f"`nll_iw` is a looser bound, not comparable with one of K = {own}"
        yield Cut(
            f"evaluate.full_samples {own} -> {fewer}", dataclasses.replace(study, evaluate=evaluate), cheaper, price
        )


def _families(study: Study, expected: Mapping[str, Expected]) -> Iterator[Cut]:
    """The costliest family left out."""
    if len(study.families) > 1:
        name = next(iter(budget.shares(study, expected)))
        rest = dataclasses.replace(study, families=tuple(one for one in study.families if one.name != name))
        cheaper = {one: seconds for one, seconds in expected.items() if one != name}
        yield Cut(f"families without {name}", rest, cheaper, "the costliest one is not compared")
