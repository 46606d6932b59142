"""How many trials a study that another process runs will have had, and in which stage it is, read from its trials."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from uncollapse.analysis.schema import DROPPED, ENDED, REPLICATE, RUNNING, SEARCH
from uncollapse.study.config.study_page import DOUBLES, planned
from uncollapse.study.outline import Outline


def planned_now(
    settings: Mapping[str, Any], found: Sequence[Outline], timed: bool = False
) -> dict[str, dict[str, int]]:
    """Trials of each family in each stage: by the page and, once the search has ended, by what there is to confirm.

    A search ends early whose space holds no more configurations; that of a study that is `timed`, by a budget, ends
    before or after so many trials as were planned.
    """
    counts, searched = planned(settings), _searched(found)
    counts[SEARCH] = {family: _most(searched[family], count, timed) for family, count in counts[SEARCH].items()}
    ended = {family: sum(state in ENDED and state != DROPPED for state in own) for family, own in searched.items()}
    whole = all(ended.get(family, 0) >= count for family, count in counts[SEARCH].items())
    if confirming(found) and (timed or whole):
        confirmed = Counter(family for family, _, _ in _entered(found))
        counts[SEARCH] = {family: ended.get(family, 0) if timed else count for family, count in counts[SEARCH].items()}
        counts[REPLICATE] = {family: confirmed[family] for family in counts[REPLICATE]}
    return counts


def confirming(found: Sequence[Outline]) -> bool:
    """Whether confirmation runs were entered and the search has not gone on since, as it does with more time."""
    last = max((one.started for one in found if one.stage == REPLICATE), default=0.0)
    searching = any(one.stage == SEARCH and one.state == RUNNING and one.started > last for one in found)
    return bool(_entered(found)) and not searching


def _entered(found: Sequence[Outline]) -> set[tuple[str, str, int]]:
    """(family, configuration, seed) of the confirmation; a seed that failed may have two trials."""
    return {(one.family, one.configuration_id, one.seed) for one in found if one.stage == REPLICATE}


def stage_now(counts: Mapping[str, Mapping[str, int]], found: Sequence[Outline], timed: bool) -> str:
    """The search of a study that is `timed`, until something is confirmed; "" where what is planned tells the stage."""
    return SEARCH if timed and counts[SEARCH] and not confirming(found) else ""


def _searched(found: Sequence[Outline]) -> Mapping[str, list[str]]:
    """States of each family's search trials, by number."""
    states: dict[str, list[str]] = defaultdict(list)
    for record in sorted(found, key=lambda record: record.number):
        if record.stage == SEARCH:
            states[record.family].append(record.state)
    return states


def _most(states: Sequence[str], planned: int, timed: bool) -> int:
    """Trials that a search will have had: fewer than planned where its last proposals were all trained before, and
    where it is timed at least those that it has."""
    over = len(states) >= DOUBLES and set(states[-DOUBLES:]) == {DROPPED}
    tried = sum(state != DROPPED for state in states)
    return tried if over or (timed and tried > planned) else planned
