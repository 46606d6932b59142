"""What the confirmation seeds of a study will be able to say, and whether its export rule can be kept at all."""

from typing import Any

from uncollapse.analysis.comparison.export_rule import figure
from uncollapse.analysis.counted import counted
from uncollapse.analysis.statistics.intervals import proportion
from uncollapse.study.config.families import Family
from uncollapse.study.config.study_page import Study
from uncollapse.study.stages.selection_rule import export_rule


def resolution(study: Study) -> dict[str, Any]:
    """Widths of Wilson's 95 % interval that the seeds will buy, and what they mean for the export rule.

    `below_limit` is the probability that the collapse share is below the limit if none of them collapses, `collapses`
    the most that may (None: not even none), and `seeds_needed` the fewest seeds that keep the rule without a collapse.
    """
    seeds, rule = study.replicate.seeds, export_rule(study.settings())
    none, half = proportion(0, seeds), proportion(seeds / 2, seeds)
    widths = {"none_high": float(none.high), "half_low": float(half.low), "half_high": float(half.high)}
    kept = [k for k in range(seeds + 1) if rule.kept_by(k, seeds)]
    return {
        "seeds": seeds,
        **widths,
        "below_limit": float(rule.probability(0, seeds)),
        "collapses": max(kept, default=None),
        "seeds_needed": rule.seeds_needed(),
    }


def can_be_exported(study: Study, seeds: int) -> bool:
    """Whether so many seeds without a collapse keep the export rule."""
    return bool(export_rule(study.settings()).kept_by(0, seeds))


def export_line(study: Study, found: dict[str, Any]) -> list[str]:
    """How many seeds may have collapsed of what is exported; nothing where `warnings` says that not even none may."""
    most, rule = found["collapses"], export_rule(study.settings())
    share = f"P(collapse share < {rule.limit:g}) is at least {rule.certainty:g}"
    return (
        [f"export     where {share}: at most {most} of {counted(found['seeds'], 'seed')} collapsed"]
        if most is not None
        else []
    )


def warnings(study: Study) -> list[str]:
    """Sentences about a study that cannot bring all that it is for; it runs all the same."""
    return [*study.left_out, *_export_warnings(study)]


def _export_warnings(study: Study) -> list[str]:
    found, rule = resolution(study), export_rule(study.settings())
    if found["collapses"] is not None or not any(map(_has_code, study.families)):
        return []
    needed = found["seeds_needed"]
    remedy = (
        "no number of seeds would do: raise `export.collapse_limit`"
        if needed is None
        else f"`replicate.seeds: {needed}` would do, or another `export.collapse_limit` or `export.certainty`"
    )
    return [
        "export: of a model with a code nothing can be exported: where none of "
        f"{counted(found['seeds'], 'seed')} collapses, "
        f"P(collapse share < {rule.limit:g}) is {figure(found['below_limit'])}, and export.certainty asks for "
        f"{rule.certainty:g}; {remedy}"
    ]


def _has_code(family: Family) -> bool:
    return bool(family.configure({})["latent"]["kind"] != "none")
