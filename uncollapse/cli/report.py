"""`report` and `export`: what a study found, again from its ledger."""

from argparse import Namespace

from uncollapse.cli import Answer
from uncollapse.cli.arguments import workspace_of
from uncollapse.study.errors import UserError
from uncollapse.study.storage.workspace import Workspace

THRESHOLDS = ("mi", "latent_gain", "partial")


def report(arguments: Namespace) -> Answer:
    """Write the report again and print its short form; of two studies, print how they differ."""
    if len(arguments.studies) == 2:
        return _side_by_side(arguments)
    if len(arguments.studies) > 2:
        raise UserError(f"report: one study, or two to compare, and these are {len(arguments.studies)}")
    from uncollapse.analysis.report.page import write
    from uncollapse.analysis.report.summary import markdown, summarise, text
    from uncollapse.study.results import findings

    workspace = workspace_of(arguments, arguments.studies[0])
    workspace.read_facts()
    found = findings.find(workspace, _thresholds(arguments))
    page = write(found, workspace.folder)
    short = markdown(found) if arguments.markdown else f"{text(found)}\n\nreport   {page}\n{_logged(workspace)}"
    return summarise(found), short


def _thresholds(arguments: Namespace) -> dict[str, float]:
    """The verdict's thresholds that were given; the trials stay as they were measured."""
    given = {name: getattr(arguments, name) for name in THRESHOLDS if getattr(arguments, name) is not None}
    if wrong := [name for name, value in given.items() if not 0 < value < float("inf")]:
        raise UserError(
            [f"--{name.replace('_', '-')}: a number of nats above 0, found {given[name]}" for name in wrong]
        )
    return given


def _logged(workspace: Workspace) -> str:
    """Put the report beside the study's run; a server that is away costs that, and not the report."""
    from uncollapse.study.tracking.final_runs import log_report

    facts = workspace.read_facts()
    try:
        uri = workspace.tracking_uri(facts["settings"]["tracking"])
        log_report(uri, workspace.study, workspace.artifacts, workspace.report)
    except Exception as error:  # whatever MLflow raises, the report is on disk
        return f"tracking not logged: {type(error).__name__}: {error}"
    return f"tracking {uri}"


def _side_by_side(arguments: Namespace) -> Answer:
    from uncollapse.analysis.report.summary import jsonable
    from uncollapse.analysis.two_studies.compare import compare, markdown, text
    from uncollapse.study.results import findings

    workspaces = [workspace_of(arguments, name) for name in arguments.studies]
    for workspace in workspaces:
        workspace.read_facts()
    first, second = (findings.gather(workspace, _thresholds(arguments)) for workspace in workspaces)
    found = compare(first, second)
    tables = ("sentences", "facts", "shared", "medians", "collapses")
    return {name: jsonable(getattr(found, name)) for name in tables}, (markdown if arguments.markdown else text)(found)


def export(arguments: Namespace) -> Answer:
    """Write the best configurations; refuses what the rule refuses, with the reason."""
    from uncollapse.study.results import findings
    from uncollapse.study.results.export import export as write

    workspace = workspace_of(arguments, arguments.study)
    workspace.read_facts()
    done = write(workspace, findings.find(workspace), arguments.force)
    if not done.files:
        raise UserError([f"{family}: {why}" for family, why in done.refused.items()] or ["the study has no families"])
    lines = [f"best     {path}" for path in done.files]
    lines += [f"no best  {family}: {why}" for family, why in done.refused.items()]
    return {"best": [str(path) for path in done.files], "not_exported": done.refused}, "\n".join(lines)
