"""The catalogue of figures: every one that the report's contents name, drawn from the findings."""

from uncollapse.analysis.findings import Findings
from uncollapse.analysis.report.contents import figures
from uncollapse.analysis.report.figures.style import Look, Picture, palette


def looks_of(found: Findings) -> dict[str, Look]:
    """Each family's colour and symbol, the same in every figure."""
    return palette(found.order, found.baselines)


def pictures(found: Findings) -> dict[str, Picture]:
    """The report's figures by name; one that has nothing to show holds a sentence instead."""
    looks = looks_of(found)
    return {figure.name: figure.draw(found, looks) for figure in figures()}
