"""The report's contents in reading order. What is entered in a topic stands on the page and in the files."""

from uncollapse.analysis.report.samples import written
from uncollapse.analysis.report.section import Figure, Section, Table
from uncollapse.analysis.report.topics.collapse import COLLAPSE
from uncollapse.analysis.report.topics.likelihood import LIKELIHOOD
from uncollapse.analysis.report.topics.overview import ANSWER, LOSSES, TABLES
from uncollapse.analysis.report.topics.search import SEARCH
from uncollapse.analysis.report.topics.sparsity import SPARSITY

WORDS = Section("words", "What the models write", "Sentences", present=lambda found: bool(written(found)))
MADE = Section("made", "How it was made", "How it was made")
SECTIONS = (ANSWER, COLLAPSE, LIKELIHOOD, SPARSITY, WORDS, SEARCH, LOSSES, TABLES, MADE)


def tables() -> list[Table]:
    """Every table of the report."""
    return [table for section in SECTIONS for table in section.tables]


def figures() -> list[Figure]:
    """Every figure of the report."""
    return [figure for section in SECTIONS for figure in section.figures]
