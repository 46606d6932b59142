"""What a study does within so many seconds: trials, epochs, configurations and seeds, from what trials take.

Pure functions. The order of what is given up, chosen so that a family can still end in an exported configuration:
seeds and configurations first, as long as the export rule can be kept by a configuration that never collapses, and two
of them are confirmed; then epochs, down to a third; then the second configuration, and further epochs; and only then
seeds below what the rule needs. What is left belongs to the search.

Two, because a code that is used on one seed may be dead on another: of recorded searches of SeqVAE, 16 trials each, the
best of the living was alive on three seeds in 22 %, one of the best two in 47 %, of the best three in 62 %.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from uncollapse.analysis.counted import counted
from uncollapse.analysis.schema import REPLICATE, SEARCH
from uncollapse.study.config.study_page import Study, planned
from uncollapse.study.errors import UserError
from uncollapse.study.stages.pace import HANDING_OUT, STAGE_START, Expected
from uncollapse.study.stages.timetable import makespan

if TYPE_CHECKING:
    from uncollapse.study.planning.calibration import Estimate

HOUR = 3600.0
LEAST_TRIALS, LEAST_EPOCHS = 8, 3
SEARCH_SHARE = 0.6  # of the training time, for the search at least
STOPPED_SHARE = 0.75  # of a whole training, that a trial of the search is assumed to take where some are stopped early
FEWER_EPOCHS = 3  # the part of a page's epochs that is kept for the sake of a second configuration
LADDER = ((3, 10), (3, 7), (2, 7), (2, 5), (2, 3), (1, 5), (1, 3))  # (configurations, seeds), the best first
REPORT_SECONDS, REPORT_SHARE, LONGEST_REPORT = 6.0, 0.02, 120.0  # kept for the report: so many, and of the budget


class Numbers(NamedTuple):
    """What a budget chooses."""

    trials: int
    epochs: int
    configurations: int
    seeds: int

    @classmethod
    def of(cls, study: Study) -> "Numbers":
        replicate = study.replicate
        return cls(study.search.trials, study.train.epochs, replicate.configurations, replicate.seeds)

    def over(self, study: Study) -> Study:
        """A study with these numbers in place of its own."""
        replicate = dataclasses.replace(study.replicate, configurations=self.configurations, seeds=self.seeds)
        search = dataclasses.replace(study.search, trials=self.trials)
        train = dataclasses.replace(study.train, epochs=self.epochs)
        return dataclasses.replace(study, search=search, train=train, replicate=replicate)


class Wall(NamedTuple):
    """Wall seconds of a study: of its search, of its confirmation, and of what is around them."""

    search: float
    confirmation: float
    around: float

    @property
    def whole(self) -> float:
        return sum(self)


def reserve(seconds: float) -> float:
    """Of a budget, what is kept for the report."""
    return min(LONGEST_REPORT, REPORT_SECONDS + REPORT_SHARE * seconds)


def wall(study: Study, expected: Mapping[str, Expected], slots: int) -> Wall:
    """How long a study takes where so many trials run at once."""
    trials = planned(study.settings())
    one = _search_seconds(study, expected)
    search = sum(count * one[family] for family, count in trials[SEARCH].items()) / slots
    runs = {family: _confirmation(study, seconds) for family, seconds in expected.items()}
    around = STAGE_START * (1 + bool(trials[SEARCH])) + REPORT_SECONDS
    return Wall(search, makespan(runs, trials[REPLICATE], slots), around)


def _search_seconds(study: Study, expected: Mapping[str, Expected]) -> dict[str, float]:
    """Of one trial of each family that searches."""
    epochs = study.train.epochs * share(study)
    return {one.name: epochs * expected[one.name].epoch + HANDING_OUT for one in study.families if one.search}


def share(study: Study) -> float:
    """Of a whole training, what a trial of the search is assumed to take."""
    return 1.0 if study.search.stop_early == "none" else STOPPED_SHARE


def _confirmation(study: Study, one: Expected) -> float:
    return study.train.epochs * one.epoch + one.full + HANDING_OUT


def choose(study: Study, expected: Mapping[str, Expected], slots: int, seconds: float, source: str) -> Numbers:
    """The numbers for a budget of so many seconds; `source` is the key that asks for it.

    Raises:
        UserError: not even the least fits.
    """
    for numbers, confirms_at_most in _candidates(study):
        if (trials := _trials(numbers.over(study), expected, slots, seconds, confirms_at_most)) >= numbers.trials:
            searched = any(one.search for one in study.families)
            return numbers._replace(trials=trials if searched else study.search.trials)
    raise UserError(_refusal(study, expected, slots, seconds, source))


def _candidates(study: Study) -> Iterator[tuple[Numbers, float]]:
    """(numbers with the least trials, share of the time that their confirmation may take), the best first."""
    from uncollapse.study.planning.resolution import can_be_exported  # SciPy, for which `status` has no use

    every, least = _pairs(study), least_of(study)
    able = [pair for pair in every if can_be_exported(study, pair[1])]
    for epochs in range(study.train.epochs, max(least.epochs, study.train.epochs // FEWER_EPOCHS) - 1, -1):
        yield from ((Numbers(least.trials, epochs, *pair), 1 - SEARCH_SHARE) for pair in able if pair[0] > 1)
    for pairs in (able, every):
        for epochs in range(study.train.epochs, least.epochs - 1, -1):
            found = [Numbers(least.trials, epochs, *pair) for pair in pairs]
            yield from ((one, 1 - SEARCH_SHARE) for one in found)
            yield from ((one, 1.0) for one in found[-1:])


def _pairs(study: Study) -> list[tuple[int, int]]:
    """(configurations, seeds) at most as many as the page has, the best first, none twice."""
    own = study.replicate.configurations, study.replicate.seeds
    return list(dict.fromkeys([own, *((min(own[0], c), min(own[1], s)) for c, s in LADDER)]))


def least_of(study: Study) -> Numbers:
    """The least that a budget chooses."""
    own = Numbers.of(study)
    return Numbers(min(own.trials, LEAST_TRIALS), min(own.epochs, LEAST_EPOCHS), *_pairs(study)[-1])


def _trials(study: Study, expected: Mapping[str, Expected], slots: int, seconds: float, confirms: float) -> int:
    """Trials a family that fit beside the confirmation; -1 where that takes more than its share."""
    around = STAGE_START * 2 + reserve(seconds)
    needed, free = wall(study, expected, slots).confirmation, seconds - around
    one = sum(_search_seconds(study, expected).values()) / slots
    if not one:
        return study.search.trials if needed <= free else -1
    return int((free - needed) // one) if needed <= confirms * free else -1


def _least_seconds(study: Study, expected: Mapping[str, Expected], slots: int) -> float:
    """The budget that the least of a study fits into."""
    found = wall(least_of(study).over(study), expected, slots)
    training = found.search + found.confirmation + 2 * STAGE_START
    return min((training + REPORT_SECONDS) / (1 - REPORT_SHARE), training + LONGEST_REPORT)


def _refusal(study: Study, expected: Mapping[str, Expected], slots: int, seconds: float, source: str) -> str:
    least, needed = least_of(study), _least_seconds(study, expected, slots)
    what = (
        f"{counted(least.trials, 'trial')} a family, {counted(least.epochs, 'epoch')}, "
        f"{counted(least.configurations, 'configuration')} x {counted(least.seeds, 'seed')}, "
        f"{counted(slots, 'trial')} at once"
    )
    costs = ", ".join(f"{name} {part:.0%}" for name, part in shares(least.over(study), expected).items())
    return (
        f"{source}: the least of this study ({what}) takes {hours(needed)}, and {hours(max(0.0, seconds))} were given; "
        f"give {hours(needed)}{_leave_out(study, expected, slots, seconds)}; the families take {costs}"
    )


def hours(seconds: float) -> str:
    """Hours, rounded up to what a page would say."""
    return f"{-(-seconds // 36) / 100:g} h"


def _leave_out(study: Study, expected: Mapping[str, Expected], slots: int, seconds: float) -> str:
    """The costliest families without which the rest fits; "" where no rest does."""
    order, left_out = list(shares(study, expected)), []
    while len(order) > 1:
        left_out.append(order.pop(0))
        rest = dataclasses.replace(study, families=tuple(one for one in study.families if one.name in order))
        if _least_seconds(rest, {name: expected[name] for name in order}, slots) <= seconds:
            return f", or leave out {', '.join(left_out)}"
    return ""


def shares(study: Study, expected: Mapping[str, Expected]) -> dict[str, float]:
    """The share of each family in the training time, the costliest first."""
    trials, one = planned(study.settings()), _search_seconds(study, expected)
    taken = {
        name: trials[SEARCH].get(name, 0) * one.get(name, 0.0) + trials[REPLICATE][name] * _confirmation(study, seconds)
        for name, seconds in expected.items()
    }
    whole = sum(taken.values())
    return {name: taken[name] / whole for name in sorted(taken, key=lambda name: -taken[name])}


def sentences(study: Study, chosen: Numbers, expected: Mapping[str, Expected], slots: int, of: str) -> list[str]:
    """What was chosen for the budget `of` which the sentences speak, and what that gives up."""
    from uncollapse.study.planning.resolution import warnings

    own, found = Numbers.of(study), wall(chosen.over(study), expected, slots)
    training = found.search + found.confirmation or 1.0
    lines = [
        f"budget     {of}: about {counted(chosen.trials, 'search trial')} a family, as many as there is time for, of "
        f"{counted(chosen.epochs, 'epoch')}; {counted(chosen.configurations, 'configuration')}"
        f"{' and ' * bool(study.replicate.also)}{' and '.join(study.replicate.also)} x "
        f"{counted(chosen.seeds, 'seed')} are "
        "confirmed",
        f"           {found.search / training:.0%} of the training is search, {found.confirmation / training:.0%} "
        f"confirmation; {_assumed(study)}",
    ]
    names = ("train.epochs", "replicate.configurations", "replicate.seeds")
    pairs = zip(names, own[1:], chosen[1:], strict=True)
    if cut := [f"{name} {before} -> {now}" for name, before, now in pairs if now < before]:
        lines.append(f"           less than the page has, for want of time: {', '.join(cut)}")
    lines += [f"           {sentence}" for sentence in warnings(chosen.over(study))]
    return lines


def _assumed(study: Study) -> str:
    if study.search.stop_early == "none":
        return "no trial is stopped early"
    return f"a trial of the search is assumed to take {STOPPED_SHARE:.0%} of a whole training, since some are stopped"


def expected_of(estimates: "Iterable[Estimate]", epochs: int) -> dict[str, Expected]:
    """What a calibration expects of each family's trials.

    Args:
        estimates: of every family, for trainings of so many `epochs`.
    """
    return {
        one.family: Expected(one.search_seconds / epochs, one.replicate_seconds - one.search_seconds)
        for one in estimates
    }
