"""The export rule of a study's settings, and the sentence that says it."""

from collections.abc import Mapping
from typing import Any

from uncollapse.analysis.comparison.export_rule import ExportRule
from uncollapse.study.config.objectives import limits
from uncollapse.study.config.sections import Export

RULE = (
    "lowest median {nll} over the confirmation seeds, among configurations with at least half of their seeds finished "
    "that no race dropped and for which P(collapse share < {limit:g}) is at least {certainty:g} (Jeffreys)"
)


def export_rule(settings: Mapping[str, Any]) -> ExportRule:
    """What a configuration has to keep to be exported, from a study's resolved settings.

    Limits of one's own have to be kept by the medians over the seeds. `living` is no such limit: every seed's own
    verdict, a collapse or none, says whether its code is used.
    """
    stated, subject_to = Export(**settings["export"]), settings["search"].get("subject_to", {})
    own = () if isinstance(subject_to, str) else limits(subject_to)
    return ExportRule(stated.collapse_limit, stated.certainty, tuple((one.measure, one.sign, one.bound) for one in own))


def in_words(rule: ExportRule, estimator: str) -> str:
    """The rule as a sentence about a family's best configuration."""
    text = RULE.format(nll=estimator, limit=rule.limit, certainty=rule.certainty)
    return f"{text}, and whose medians have {all_of(rule)}" if rule.medians else text


def all_of(rule: ExportRule) -> str:
    """The limits on medians."""
    return " and ".join(f"{name} {sign} {bound:g}" for name, sign, bound in rule.medians)
