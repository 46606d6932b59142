"""Whether anything that is confirmed of a family can still be exported."""

from collections.abc import Iterable

import pandas as pd

from uncollapse.analysis.comparison.configurations import configurations
from uncollapse.analysis.comparison.export_rule import ExportRule
from uncollapse.analysis.schema import MISSING, RUNNING
from uncollapse.analysis.verdicts import judge
from uncollapse.study.storage.tables import tables
from uncollapse.study.trial_record import TrialRecord


def hopeless(records: Iterable[TrialRecord], rule: ExportRule) -> bool:
    """Whether no configuration keeps the export rule, nor can once its other seeds have ended without a collapse.

    Args:
        records: of a family's confirmation, those that have not begun included.
        rule: of export.
    """
    table = configurations(judge(tables(records)[0]))
    to_come = table[RUNNING] + table[MISSING]
    able = table.index.isin(rule.keeping(table).index)
    hopeful = (to_come > 0) & _may_keep(table, to_come, rule)
    return not (able | hopeful).any()


def _may_keep(table: pd.DataFrame, to_come: pd.Series, rule: ExportRule) -> pd.Series:
    """Which rows collapse rarely enough if nothing collapses any more; without a code all do."""
    without = (table["judged"] == 0) & (table["no latent"] > 0)
    return without | rule.kept_by(table["collapsed"], table["judged"] + to_come)
