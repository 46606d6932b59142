"""The best configuration of every family by the stated rule, as a complete file, and the figures of all of them."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uncollapse.analysis.comparison.export_rule import ExportRule
from uncollapse.analysis.counted import counted
from uncollapse.analysis.findings import Findings
from uncollapse.analysis.whole_file import write_whole
from uncollapse.search_spaces import page_yaml
from uncollapse.study.results.refusals import Refusal, refusals, write_readme
from uncollapse.study.results.saved_model import hand_over
from uncollapse.study.stages.selection_rule import export_rule, in_words
from uncollapse.study.storage.fingerprints import digest, family_version
from uncollapse.study.storage.workspace import Workspace
from uncollapse.study.trial_record import TrialRecord

FORMAT = 1
FINAL_SEED = 0  # below every confirmation seed and every tuning seed


@dataclass(frozen=True)
class Exported:
    """Files written, folders of confirmed weights beside them, and why a family has no file."""

    files: list[Path]
    refused: dict[str, Refusal]
    confirmed: list[Path]


def export(workspace: Workspace, found: Findings, known: Sequence[TrialRecord], force: bool) -> Exported:
    """Write `best/<family>.yaml` for every family that has a configuration under the rule.

    Args:
        workspace: of the study.
        found: in it, from `study.results.findings.find`.
        known: every trial of it, from `study.storage.tables`.
        force: where none keeps the rule, export the lowest median all the same and say so in the file.
    """
    facts = workspace.read_facts()
    configuration_of = {record.configuration_id: record.configuration for record in known}
    files, rule, without = [], export_rule(facts["settings"]), refusals(found)
    sure: dict[str, str] = {}
    for family in facts["settings"]["families"]:
        row, path = row_to_export(found, family, rule), workspace.best / f"{family}.yaml"
        if row is None or (family in without and not force):
            path.unlink(missing_ok=True)  # a file from an earlier state of the study would pass for the answer
            continue
        broken = without.pop(family).why if family in without else ""
        sure[family] = sureness(row, rule)
        said = {"rule": broken or in_words(rule, str(row["nll_estimator"])), "sureness": sure[family]}
        content = _content(family, facts, row, configuration_of[row["configuration"]], said, workspace)
        write_whole(path, _header(content) + page_yaml.dump(content))
        files.append(path)
    write_readme(workspace.best, facts["study"], in_words(rule, "NLL"), sure, without)
    return Exported(files, without, hand_over(files, workspace.weights, known))


def row_to_export(found: Findings, family: str, rule: ExportRule) -> dict[str, Any] | None:
    """The family's configuration that keeps the rule, the lowest median where none does; None where there is none."""
    table = found.configurations
    own = table[(table["family"] == family) & table["nll"].notna()].sort_values("nll", kind="stable")
    kept = rule.keeping(own)
    rows = (own if kept.empty else kept).to_dict("records")
    return {str(name): value for name, value in rows[0].items()} if rows else None


def sureness(row: Mapping[str, Any], rule: ExportRule) -> str:
    """How sure it is that a configuration collapses rarely enough."""
    if not row["judged"] and row["no latent"]:
        return "a model without a code does not collapse"
    return rule.sureness(int(row["collapsed"]), int(row["judged"]))


def _content(
    family: str,
    facts: Mapping[str, Any],
    row: Mapping[str, Any],
    model: Mapping[str, Any],
    said: Mapping[str, str],
    workspace: Workspace,
) -> dict[str, Any]:
    settings = facts["settings"]
    content = {
        "format": FORMAT,
        "family": family,
        "model": dict(model),
        "corpus": settings["corpus"],
        "corpus_folder": facts["folder"],
        "corpus_digest": facts["corpus"]["digest"],
        "train": settings["train"],
        "evaluate": settings["evaluate"],
        "search": {name: settings["search"][name] for name in ("select", "subject_to")},
        "seed": FINAL_SEED,
        "threads": max(1, int(settings["resources"]["cpus"])),
        "tracking": workspace.tracking_uri(settings["tracking"]),
        "from": {
            "study": facts["study"],
            "configuration": row["configuration"],
            **said,
            "role": row["role"],
            "seeds_finished": int(row["finished"]),
            "figures": _figures(row),
            "code": family_version(facts["code"], family),
        },
    }
    return {**content, "checksum": digest(json.loads(json.dumps(content)))}


def _figures(row: Mapping[str, Any]) -> dict[str, Any]:
    """Medians over the confirmation seeds, by name; collapses as counts with their bounds."""
    names = (
        "nll",
        "nll_low",
        "nll_high",
        "ppl",
        "mi",
        "kl",
        "active_units",
        "latent_gain",
        "hoyer_mean",
        "wilson_low",
        "wilson_high",
        "below_limit",
    )
    known = {
        name: float(row[name]) for name in names if name in row and row[name] is not None and math.isfinite(row[name])
    }
    return {
        "nll_estimator": str(row["nll_estimator"]),
        **known,
        "collapsed": int(row["collapsed"]),
        "judged": int(row["judged"]),
    }


def _header(content: Mapping[str, Any]) -> str:
    origin = content["from"]
    figures = ", ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in origin["figures"].items()
    )
    lines = [
        f"{content['family']}: the configuration that study {origin['study']!r} exported for its final training.",
        f"Rule: {origin['rule']}.",
        f"Sureness: {origin['sureness']}.",
        f"Confirmed on {counted(origin['seeds_finished'], 'seed')}: {figures}.",
        f"Training code {origin['code']}, corpus {content['corpus_digest']}.",
        "Complete: nothing is inherited. Train it with `uncollapse train`, after an edit with `--edited`.",
    ]
    return "".join(f"# {line}\n" for line in lines)


def figures(
    found: Findings, known: Sequence[TrialRecord]
) -> Iterator[tuple[str, dict[str, float], dict[str, str], float]]:
    """(run, metrics, artifacts, time) for the runs of the configurations and of the study in MLflow."""
    of_configuration = {record.configuration_id: record for record in known}
    when = max((record.ended for record in of_configuration.values()), default=0.0)
    for row in found.configurations.to_dict("records"):
        if not row["finished"] and not row["judged"]:
            continue
        metrics = {
            f"seeds/{name.replace('nll', row['nll_estimator'])}": float(value)
            for name, value in _figures(row).items()
            if not isinstance(value, str)
        }
        record = of_configuration[row["configuration"]]
        artifacts = {"configuration.json": json.dumps(record.configuration, indent=2)}
        yield f"configuration/{row['family']}/{row['configuration']}", metrics, artifacts, when
    states = found.judged["state"].value_counts().to_dict()
    yield "study", {f"trials/{state}": float(count) for state, count in states.items()}, {}, when
