"""`export`: the best configurations of a study as complete files."""

from argparse import ArgumentParser, Namespace

from uncollapse.cli import Answer
from uncollapse.cli.arguments import study_options, workspace_of
from uncollapse.study.errors import UserError


def options(parser: ArgumentParser) -> None:
    """Add what the command takes."""
    study_options(parser)
    parser.add_argument("--force", action="store_true", help="export unconfirmed configurations too, and say so")


def export(arguments: Namespace) -> Answer:
    """Write the best configurations; refuses what the rule refuses, with the reason."""
    from uncollapse.study.results import findings
    from uncollapse.study.results.export import export as write
    from uncollapse.study.results.refusals import as_data, nothing, told
    from uncollapse.study.storage.tables import records

    workspace = workspace_of(arguments, arguments.study)
    workspace.read_facts()
    known = records(workspace.folder, workspace.study)
    done = write(workspace, findings.find(workspace, known), known, arguments.force)
    if not done.files:
        raise UserError(nothing(done.refused))
    refused = as_data(done.refused)
    lines = [*(f"best     {path}" for path in done.files), *told(refused)]
    return {"best": [str(path) for path in done.files], "not_exported": refused}, "\n".join(lines)
