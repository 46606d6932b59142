"""What a grid leaves out, or where it ends before the search's trials do."""

from uncollapse.analysis.counted import counted
from uncollapse.search_spaces import grid
from uncollapse.study.config.grid import GRID, whole
from uncollapse.study.config.study_page import Study


def sentences(study: Study) -> list[str]:
    """One a family that searches; none where no grid is asked for."""
    if study.search.sampler != GRID:
        return []
    sizes = {one.name: (grid.size(one.search), whole(one, study.search.start)) for one in study.families if one.search}
    return [_sentence(name, *both, study.search.trials) for name, both in sizes.items()]


def _sentence(family: str, size: int, every: int, trials: int) -> str:
    points = f"{family}: a grid of {size:,} point{'s' * (size != 1)}"
    beside = f" and {every - size} stated beside {'it' if size == 1 else 'them'}" if every > size else ""
    if every > trials:
        return (
            f"{points}{beside}, of which {counted(trials, 'trial')} "
            f"{'leaves' if trials == 1 else 'leave'} out {every - trials:,}"
        )
    return f"{points}{beside}: the search ends when all are tried, after {every} of {counted(trials, 'trial')}"
