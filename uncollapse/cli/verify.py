"""`verify`: whether ledger, MLflow and files agree, or exactly which rows differ."""

from argparse import ArgumentParser, Namespace

from uncollapse.cli import Answer
from uncollapse.cli.arguments import study_options, workspace_of


def options(parser: ArgumentParser) -> None:
    """Add what the command takes."""
    study_options(parser)


def verify(arguments: Namespace) -> Answer:
    """Compare every recorded value with MLflow's and every file with what should be there."""
    from uncollapse.study.tracking.verification import differences

    workspace = workspace_of(arguments, arguments.study)
    facts = workspace.read_facts()
    compared, found = differences(workspace, facts)
    data = {"compared": compared, "differences": found, "failed": bool(found)}
    counts = ", ".join(f"{number:,} {name}" for name, number in compared.items())
    verdict = "all agree" if not found else f"{len(found)} differ:\n" + "\n".join(f"  {line}" for line in found)
    remedy = "\nrun the study again: what MLflow lacks is sent from the ledger" if found else ""
    return data, f"compared {counts}: {verdict}{remedy}"
