"""What a study would do, and what its seeds will be able to say. Starts nothing."""

from collections.abc import Mapping
from itertools import count
from typing import Any

from uncollapse.analysis.counted import counted
from uncollapse.analysis.schema import BASE, LIKELIHOOD, REPLICATE, SEARCH
from uncollapse.search_spaces import space
from uncollapse.study.config import objectives
from uncollapse.study.config.families import Family
from uncollapse.study.config.study_page import Study, planned
from uncollapse.study.planning import costs, cuts, grid_sentences
from uncollapse.study.planning.resolution import export_line, resolution, warnings
from uncollapse.study.stages import sign_test, successive_halving

ALSO = {BASE: "the page's own base", LIKELIHOOD: "the search's best bound"}


def outline(study: Study, slots: int) -> dict[str, Any]:
    """Trials, rungs and the resolution that the seeds buy, where so many trials run at once."""
    return {
        "study": study.name,
        "families": [_family(family) for family in study.families],
        "trials": {stage: sum(counts.values()) for stage, counts in planned(study.settings()).items()},
        "slots": slots,
        "rungs": successive_halving.rungs(study.train.epochs) if study.search.stop_early == "asha" else [],
        "resolution": resolution(study),
        "warnings": warnings(study),
    }


def _family(family: Family) -> dict[str, Any]:
    return {
        "family": family.name,
        "hyperparameters": len(list(space.hyperparameters(family.search))),
        "fixed": list(family.fixed),
    }


def _search_line(study: Study, data: Mapping[str, Any], trials: int) -> str:
    if not trials:
        return "search     none: no page searches anything, so every base is confirmed as it is"
    stops = "none stopped early"
    if data["rungs"]:
        epochs = ", ".join(map(str, data["rungs"]))
        stops = (
            f"stopped early at epochs {epochs} once their annealing has ended; {study.search.audit:.0%} never (audit)"
        )
    each = f"{study.search.trials} a family that searches"
    return f"search     {counted(trials, 'trial')}, {each}, {study.search.sampler}, {stops}"


def _limit_line(study: Study) -> list[str]:
    kept, earlier = objectives.limits(study.search.subject_to), study.search.warm_start
    lines = [f"           subject to {' and '.join(map(str, kept))}: what breaks it is not confirmed"] if kept else []
    return lines + [f"           starts from what {', '.join(earlier)} found"] * bool(earlier)


def _race_line(study: Study) -> str:
    many = study.replicate.configurations + len(study.replicate.also)
    if study.replicate.racing == "none" or many == 1:
        return ""
    first = next(seeds for seeds in count(1) if sign_test.e_value(seeds, 0) >= sign_test.needed(many))
    if first >= study.replicate.seeds:
        return (
            f"\n           racing saves none of them: of {counted(many, 'configuration')} none is "
            f"dropped before seed {first}"
        )
    return (
        f"\n           at most: they race, and from {counted(first, 'seed')} on one that can no longer be the best "
        "gets no more"
    )


def _further_line(study: Study) -> list[str]:
    more = study.replicate.further
    limited = objectives.limits(study.search.subject_to) and any(family.search for family in study.families)
    if not more or not limited or study.replicate.racing != "none":
        return []
    return [f"           and up to {more} more of a family's search, one by one, where none of those can be exported"]


def text(study: Study, data: Mapping[str, Any]) -> str:
    """What `outline` returned, with `cost` added where that is known, for people."""
    count, trials, seeds = len(data["families"]), data["trials"], data["resolution"]
    lines = [
        f"study {study.name}: {counted(count, 'family')}, "
        f"{counted(study.train.epochs, 'epoch')} a trial, {counted(data['slots'], 'trial')} at once here",
        _search_line(study, data, trials[SEARCH]),
        f"           selects on {' and '.join(objectives.objectives(study.search.select))} of "
        f"{study.evaluate.subset_sentences} fixed validation sentences, K = {study.evaluate.subset_samples}",
        *_limit_line(study),
        *(f"           {sentence}" for sentence in grid_sentences.sentences(study)),
        f"replicate  {counted(trials[REPLICATE], 'trial')} at most: "
        f"{counted(study.replicate.configurations, 'configuration')}"
        f"{''.join(f' and {ALSO[name]}' for name in study.replicate.also)} (the base alone where nothing is searched) "
        f"x {counted(study.replicate.seeds, 'seed')} a family, full validation split, K = {study.evaluate.full_samples}"
        + _race_line(study),
        *_further_line(study),
        f"resolution {counted(seeds['seeds'], 'seed')}, 0 collapses: still compatible with {seeds['none_high']:.0%}; "
        f"half of them: {seeds['half_low']:.0%} to {seeds['half_high']:.0%} (Wilson, 95 %)",
        *export_line(study, seeds),
        f"tracking   {study.tracking or 'SQLite beside the study'}",
    ]
    for family in data["families"]:
        fixed = f"; fixed by the override: {', '.join(family['fixed'])}" if family["fixed"] else ""
        searched = counted(family["hyperparameters"], "hyperparameter")
        lines.append(f"  {family['family']:<10} {searched:>18} searched{fixed}")
    lines += [f"warning    {sentence}" for sentence in data["warnings"]]
    lines += costs.lines(data.get("cost"), study.resources.weights_gb)
    return "\n".join([*lines, *_budget_lines(study, data), *cuts.lines(data.get("cuts", ()))])


def _budget_lines(study: Study, data: Mapping[str, Any]) -> list[str]:
    if "budget" in data:
        return list(data["budget"]["sentences"])
    if study.search.hours is None:
        return []
    return [
        f"budget     {study.search.hours:g} h: trials, epochs and seeds are chosen by a calibration, which was skipped"
    ]
