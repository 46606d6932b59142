"""`plan`: what would run, where, for how long, and what the seeds will be able to say. Starts nothing."""

from argparse import ArgumentParser, Namespace
from itertools import count
from typing import Any

from uncollapse.analysis.schema import REPLICATE, SEARCH
from uncollapse.cli import Answer, costs
from uncollapse.cli.arguments import page_options, study_of, workspace_of
from uncollapse.search_spaces import space
from uncollapse.study.config import objectives
from uncollapse.study.config.families import Family
from uncollapse.study.config.study_page import Study, planned
from uncollapse.study.errors import UserError
from uncollapse.study.planning.preflight import errors, local_cpus
from uncollapse.study.stages import sign_test, successive_halving
from uncollapse.study.storage.workspace import Workspace


def options(parser: ArgumentParser) -> None:
    """Add what the command takes."""
    page_options(parser)
    parser.add_argument("--no-calibrate", action="store_true", help="skip the short run that estimates hours")


def plan(arguments: Namespace) -> Answer:
    """Check everything, then say what the study would do."""
    study = study_of(arguments)
    workspace = workspace_of(arguments, study.name)
    if found := errors(study, workspace, arguments.address):
        raise UserError(found)
    slots = _cluster_slots(study, workspace, arguments)
    data: dict[str, Any] = {
        "study": study.name,
        "families": [_family(family) for family in study.families],
        "trials": {stage: sum(counts.values()) for stage, counts in planned(study.settings()).items()},
        "slots": slots,
        "rungs": successive_halving.rungs(study.train.epochs) if study.search.stop_early == "asha" else [],
        "resolution": _resolution(study),
    }
    if not arguments.no_calibrate:
        data["cost"] = costs.cost(study, workspace, slots, arguments)
    return data, _text(study, data)


def _cluster_slots(study: Study, workspace: Workspace, arguments: Namespace) -> int:
    """Trials that fit at once; on a cluster also whether a worker reaches corpus, storage and tracking."""
    if arguments.address is None:
        by_cpu = int((arguments.cpus or local_cpus()) // study.resources.cpus)
        return max(1, by_cpu)
    from uncollapse.study.execution import cluster

    cluster.connect(arguments.address, None)
    resources = {"cpu": study.resources.cpus, "gpu": study.resources.gpus}
    slots = cluster.fitting(resources)
    if slots < 1:
        raise UserError(cluster.too_small(resources))
    if found := cluster.seen_from_a_worker(workspace, resources):
        raise UserError(found)
    return slots


def _family(family: Family) -> dict[str, Any]:
    return {
        "family": family.name,
        "hyperparameters": len(list(space.hyperparameters(family.search))),
        "fixed": list(family.fixed),
    }


def _resolution(study: Study) -> dict[str, float]:
    """Widths of Wilson's 95 % interval that the seeds will buy."""
    from uncollapse.analysis.statistics.intervals import wilson

    seeds = study.replicate.seeds
    none, half = wilson(0, seeds), wilson(seeds / 2, seeds)
    return {"seeds": seeds, "none_high": float(none.high), "half_low": float(half.low), "half_high": float(half.high)}


def _search_line(study: Study, data: dict[str, Any], trials: int) -> str:
    if not trials:
        return "search     none: no page searches anything, so every base is confirmed as it is"
    stops = f"stopped early at epochs {', '.join(map(str, data['rungs']))}" if data["rungs"] else "never stopped early"
    return (
        f"search     {trials} trials, {study.search.trials} a family that searches, {study.search.sampler}, {stops}"
        f" once their annealing has ended; {study.search.audit:.0%} never stopped (audit)"
    )


def _limit_line(study: Study) -> list[str]:
    kept, earlier = objectives.limits(study.search.subject_to), study.search.warm_start
    lines = [f"           subject to {' and '.join(map(str, kept))}: what breaks it is not confirmed"] if kept else []
    return lines + [f"           starts from what {', '.join(earlier)} found"] * bool(earlier)


def _race_line(study: Study) -> str:
    if study.replicate.racing == "none" or study.replicate.configurations == 1:
        return ""
    many = study.replicate.configurations
    first = next(seeds for seeds in count(1) if sign_test.evidence(seeds, 0) >= sign_test.needed(many))
    if first >= study.replicate.seeds:
        return f"\n           racing saves none of them: of {many} configurations none is dropped before seed {first}"
    return f"\n           at most: they race, and from {first} seeds on one that can no longer be the best gets no more"


def _text(study: Study, data: dict[str, Any]) -> str:
    count, trials, resolution = len(data["families"]), data["trials"], data["resolution"]
    lines = [
        f"study {study.name}: {count} families, "
        f"{study.train.epochs} epochs a trial, {data['slots']} trials at once here",
        _search_line(study, data, trials[SEARCH]),
        f"           selects on {' and '.join(objectives.objectives(study.search.select))} of "
        f"{study.evaluate.subset_sentences} fixed validation sentences, K = {study.evaluate.subset_samples}",
        *_limit_line(study),
        f"replicate  {trials[REPLICATE]} trials: {study.replicate.configurations} configurations (one where nothing is "
        f"searched) x {study.replicate.seeds} seeds a family, full validation split, K = {study.evaluate.full_samples}"
        + _race_line(study),
        f"resolution {resolution['seeds']} seeds, 0 collapses: still compatible with "
        f"{resolution['none_high']:.0%}; half of them: {resolution['half_low']:.0%} to {resolution['half_high']:.0%} "
        "(Wilson, 95 %)",
        f"tracking   {study.tracking or 'SQLite beside the study'}",
    ]
    for family in data["families"]:
        fixed = f"; fixed by the override: {', '.join(family['fixed'])}" if family["fixed"] else ""
        lines.append(f"  {family['family']:<10} {family['hyperparameters']:>3} hyperparameters searched{fixed}")
    return "\n".join(lines + costs.lines(data.get("cost"), study.resources.weights_gb))
