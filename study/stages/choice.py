"""What is confirmed of a family, and why: a pure function of its page and of what its search recorded."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from uncollapse.analysis.schema import (
    BASE,
    BEST,
    DECISIVE,
    FINISHED,
    FRONT,
    FURTHER,
    INFORMATIVE,
    KNEE,
    LIKELIHOOD,
    NEAREST,
)
from uncollapse.study.config.families import Family
from uncollapse.study.config.objectives import costs, limits, objectives, standing, violation
from uncollapse.study.config.study_page import Study
from uncollapse.study.stages import pareto
from uncollapse.study.storage.fingerprints import configuration_id
from uncollapse.study.trial_record import TrialRecord

Pick = tuple[int, str]  # a trial's place among those that are looked at, and the role that it is picked for


class Chosen(NamedTuple):
    """A configuration that is confirmed: resolved, with the searched hyperparameters that made it, and its role."""

    configuration: Mapping[str, Any]
    params: Mapping[str, Any]
    role: str


def choose(family: Family, trials: Sequence[TrialRecord], study: Study) -> list[Chosen]:
    """The configurations of a family that are confirmed, each once, `replicate.also` after those of the search.

    Args:
        family: of the study; of one that searches nothing, its base is all.
        trials: its search, by number.
        study: whose `search.select`, `search.subject_to` and `replicate` say what counts.
    """
    if not family.search:
        return [Chosen(family.configure({}), {}, BASE)]
    finished = [record for record in trials if record.state == FINISHED]
    found = {
        record.configuration_id: Chosen(record.configuration, record.params, role)
        for record, role in _searched(finished, study)
    }
    for name, one in _also(family, trials, finished, study):
        known = found.get(name)
        found[name] = one if known is None else known._replace(role=f"{known.role}+{one.role}")
    return list(found.values())


def further(trials: Sequence[TrialRecord], taken: Container[str], study: Study) -> Chosen | None:
    """What is confirmed where nothing of a family can be exported: of the trials that keep every limit and were not
    confirmed, the one whose code is used most; None where there is none, or no limit, and so nothing to keep alive.

    One seed of two trainings says little of the other near the limits; far above them it says more.

    Args:
        trials: the family's search.
        taken: configurations that are confirmed already.
    """
    kept = limits(study.search.subject_to)
    uses = [
        (use, record)
        for record in (trials if kept else ())
        if record.state == FINISHED and record.configuration_id not in taken and violation(record.measures, kept) == 0
        if (use := use_of_code(record.measures)) is not None
    ]
    if not uses:
        return None
    _, most = max(uses, key=lambda one: one[0])
    return Chosen(most.configuration, most.params, FURTHER)


def use_of_code(measures: Mapping[str, float]) -> float | None:
    """Nats of the code that are used: the lower of mi and latent_gain on the validation subset; None without a code."""
    known = [measures[f"subset/{name}"] for name in DECISIVE if f"subset/{name}" in measures]
    return min(known, default=None)


def _also(
    family: Family, trials: Sequence[TrialRecord], finished: Sequence[TrialRecord], study: Study
) -> Iterator[tuple[str, Chosen]]:
    """What `replicate.also` asks for, by the configuration's name."""
    if BASE in study.replicate.also:
        base = family.configure({})
        name = configuration_id(base)
        drawn = next((record.params for record in trials if record.configuration_id == name), {})
        yield name, Chosen(base, drawn, BASE)
    if LIKELIHOOD in study.replicate.also and finished:
        lowest = min(finished, key=lambda record: standing(record.measures, study.search.bound, ()))
        yield lowest.configuration_id, Chosen(lowest.configuration, lowest.params, LIKELIHOOD)


def _searched(finished: Sequence[TrialRecord], study: Study) -> list[tuple[TrialRecord, str]]:
    """The trials of the search that are confirmed, with their roles, no configuration twice."""
    kept = limits(study.search.subject_to)
    able = [record for record in finished if violation(record.measures, kept) == 0]
    if finished and not able:
        return [(min(finished, key=lambda record: standing(record.measures, study.search.bound, kept)), NEAREST)]
    return _each_once(able, _order(able, study), study.replicate.configurations)


def _order(able: Sequence[TrialRecord], study: Study) -> Iterator[Pick]:
    """The order in which trials that keep every limit are picked.

    By the objectives of `search.select` where there are several; else by bound and use of the code, where the search
    has limits and the model a code; else by the bound alone.
    """
    found = [use_of_code(record.measures) for record in able]
    bounds = [costs(record, study.search.select) for record in able]
    alone = len(objectives(study.search.select)) == 1
    if alone and limits(study.search.subject_to) and any(use is not None for use in found):
        points = [(bound, -(use or 0.0)) for (bound,), use in zip(bounds, found, strict=True)]
        return by_use_of_code(points, [record.configuration_id for record in able])
    places = pareto.in_order(bounds)
    return ((at, FRONT if number else BEST) for number, at in enumerate(places))


def by_use_of_code(points: Sequence[tuple[float, float]], names: Sequence[str]) -> Iterator[Pick]:
    """Best bound, knee, most used code, and then the others front by front, spread over each.

    Args:
        points: the bound and minus the use of the code, both in nats.
        names: of the points' configurations; the knee is none that stands at an end.
    """
    for number, front in enumerate(pareto.fronts(points)):
        first = _ends_and_knee(front, points, names) if number == 0 else []
        named = [at for at, _ in first]
        yield from first
        order = pareto.spread(front, points, named or pareto.ends(front, points))
        yield from ((at, FRONT) for at in order if at not in named)


def _ends_and_knee(front: Sequence[int], points: Sequence[tuple[float, float]], names: Sequence[str]) -> list[Pick]:
    best, informative = (min(front, key=lambda at: points[at][figure]) for figure in (0, 1))
    inner = [at for at in front if names[at] not in (names[best], names[informative])]
    knee = pareto.knee(inner, front, points)
    return [(best, BEST), *([] if knee is None else [(knee, KNEE)]), (informative, INFORMATIVE)]


def _each_once(able: Sequence[TrialRecord], picks: Iterable[Pick], most: int) -> list[tuple[TrialRecord, str]]:
    """The first so many configurations; one that is picked for several roles has them joined."""
    found: dict[str, tuple[TrialRecord, str]] = {}
    for at, role in picks:
        record = able[at]
        known = found.get(record.configuration_id)
        if known is None and len(found) < most:
            found[record.configuration_id] = record, role
        elif known is not None and role != FRONT:
            found[record.configuration_id] = known[0], f"{known[1]}+{role}"
        elif role == FRONT and len(found) == most:
            break
    return list(found.values())
