"""A study's grid: what its families leave unsaid, and how many trials there are to be had. Free of torch."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from uncollapse.search_spaces import grid
from uncollapse.study.config.families import Family

GRID = "grid"


def errors(sampler: str, families: Iterable[Family]) -> list[str]:
    """Every hyperparameter that a grid cannot cross."""
    if sampler != GRID:
        return []
    return [
        f"search.sampler: grid crosses what a page states, and {family.name} states no values of {name}; give it "
        "`points: [...]` or a `choice`, fix it in the page's base or by `override`, or say another sampler"
        for family in families
        for name in grid.without_points(family.search)
    ]


def whole(family: Family, start: Sequence[Mapping[str, Any]]) -> int:
    """How many trials take a whole grid: its points, and what is stated beside them, the page's own included."""
    stated = [family.configure({}), *(family.configure(one[family.name]) for one in start if family.name in one)]
    beside: list[Mapping[str, Any]] = []
    for configuration in stated:
        if configuration not in beside and not grid.holds(family.search, family.locate(configuration)):
            beside.append(configuration)
    return grid.size(family.search) + len(beside)


def trials(settings: Mapping[str, Any], name: str) -> int:
    """Search trials of a family at most, from resolved settings: fewer than asked for where its grid has fewer."""
    search, page = settings["search"], settings["families"][name]
    if search.get("sampler") != GRID or grid.size(page["search"]) >= search["trials"]:
        return int(search["trials"])
    family = Family(name, "", "", page["base"], page["search"])
    return min(int(search["trials"]), whole(family, search.get("start", ())))
