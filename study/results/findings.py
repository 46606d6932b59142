"""From a study's files to its report. The one place, with `export`, where the study calls the analysis."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from uncollapse.analysis import findings
from uncollapse.analysis.findings import Findings
from uncollapse.analysis.schema import Records
from uncollapse.study.config.objectives import kept_by_none, limits, objectives
from uncollapse.study.stages.selection_rule import export_rule
from uncollapse.study.storage.fingerprints import code_version
from uncollapse.study.storage.tables import tables
from uncollapse.study.storage.time_used import time_used
from uncollapse.study.storage.workspace import Workspace
from uncollapse.study.training.validation import choosing_size
from uncollapse.study.trial_record import TrialRecord


def gather(
    workspace: Workspace,
    known: Sequence[TrialRecord],
    thresholds: Mapping[str, float] | None = None,
    damaged: Sequence[str] = (),
) -> Records:
    """A study as the analysis reads it: every trial, and the facts.

    Args:
        workspace: of the study.
        known: every trial, from `study.storage.tables`.
        thresholds: of the verdict, where they are not the default ones.
        damaged: a sentence for what the ledger has lost.
    """
    trials, curves = tables(known)
    texts = {record.key: record.artifacts for record in known if record.artifacts}
    facts = facts_of(workspace) | ({"thresholds": dict(thresholds)} if thresholds else {})
    facts |= {"damaged": list(damaged)} if damaged else {}
    kept = limits(facts["settings"]["search"].get("subject_to", {}))
    if "budget" in facts:
        facts["budget"]["used_hours"] = time_used(facts["budget"]["begun"], known) / 3600
    own = {family: [record for record in known if record.family == family] for family in facts["families"]}
    facts["unconfirmed"] = {family: kept_by_none(trials, kept) for family, trials in own.items()}
    return Records(facts, trials, curves, texts)


def find(
    workspace: Workspace,
    known: Sequence[TrialRecord],
    thresholds: Mapping[str, float] | None = None,
    damaged: Sequence[str] = (),
) -> Findings:
    """Everything that the analysis finds in a study, see `gather`; seconds for a small one, so ask once."""
    return findings.find(gather(workspace, known, thresholds, damaged))


def facts_of(workspace: Workspace) -> dict[str, Any]:
    """What a report says of how a study was made; see `analysis.schema.Records`."""
    facts = workspace.read_facts()
    settings = facts["settings"]
    effort, name = settings["evaluate"], facts["study"]
    valid = facts["corpus"]["facts"]["splits"]["valid"]["sentences"]
    choosing = choosing_size(valid, effort["subset_sentences"])
    select = objectives(settings["search"]["select"])
    return {
        "name": name,
        "created": facts["created"],
        "code_version": code_version(facts["code"]),
        "packages": facts["packages"],
        "outside": [{key: one[key] for key in ("slot", "kind", "code")} for one in facts.get("outside", ())],
        "corpus": facts["corpus"],
        "families": list(settings["families"]),
        "epochs": settings["train"]["epochs"],
        "iw_samples_subset": effort["subset_samples"],
        "iw_samples_valid": effort["full_samples"],
        "subset_sentences": choosing,
        "valid_sentences": valid - choosing,
        "select": f"subset/{select[0]}",
        "objectives": list(select),
        "resources": settings["resources"],
        "export_rule": asdict(export_rule(settings)),
        "settings": settings,
        **({"budget": dict(facts["budget"])} if "budget" in facts else {}),
        "commands": [f"uncollapse run {facts['page']}", f"uncollapse report {name}", f"uncollapse export {name}"],
    }
