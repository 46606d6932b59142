"""`report` and `export`: what a study found, again from its ledger."""

from argparse import Namespace

from study.commands import Answer
from study.commands.pagefile import workspace_of
from study.errors import UserError


def report(arguments: Namespace) -> Answer:
    """Write the report again and print its short form."""
    from analysis.summary import summary, text
    from study import reporting

    workspace = workspace_of(arguments, arguments.study)
    workspace.read_facts()
    page = reporting.write(workspace)
    records = reporting.gather(workspace)
    return summary(records), f"{text(records)}\n\nreport   {page}"


def export(arguments: Namespace) -> Answer:
    """Write the best configurations; refuses what the rule refuses, with the reason."""
    from study.export import export as write

    workspace = workspace_of(arguments, arguments.study)
    workspace.read_facts()
    done = write(workspace, arguments.force)
    if not done.files:
        raise UserError([f"{family}: {why}" for family, why in done.refused.items()] or ["the study has no families"])
    lines = [f"best     {path}" for path in done.files]
    lines += [f"no best  {family}: {why}" for family, why in done.refused.items()]
    return {"best": [str(path) for path in done.files], "not_exported": done.refused}, "\n".join(lines)
