"""`report`: what a study found, again from its ledger; of two studies, how they differ."""

import errno
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from uncollapse.cli import Answer
from uncollapse.cli.arguments import workspace_of
from uncollapse.cli.folders import flag, runs_option
from uncollapse.study.errors import UserError
from uncollapse.study.output import aside
from uncollapse.study.storage.workspace import Workspace

if TYPE_CHECKING:
    from uncollapse.analysis.findings import Findings

THRESHOLDS = {
    "mi": "nats of mi below which a trial is collapsed (0.1)",
    "latent_gain": "nats of latent_gain below which it is (0.1)",
    "partial": "nats of either below which it is partly collapsed (0.69)",
}


def options(parser: ArgumentParser) -> None:
    """Add what the command takes."""
    add = parser.add_argument
    add("studies", nargs="+", metavar="study", help="a study's name; two names are compared")
    runs_option(parser)
    for name, text in THRESHOLDS.items():
        add(flag(name), type=float, metavar="NATS", help=text)
    add("--markdown", action="store_true", help="print the short form for a pull request")


def report(arguments: Namespace) -> Answer:
    """Write the report again and print its short form; of two studies, print how they differ."""
    if len(arguments.studies) == 2:
        return _side_by_side(arguments)
    if len(arguments.studies) > 2:
        raise UserError(f"report: one study, or two to compare, and these are {len(arguments.studies)}")
    from uncollapse.analysis.report.summary import markdown, summarise, text
    from uncollapse.study.results import findings
    from uncollapse.study.storage.tables import read

    thresholds, workspace = _thresholds(arguments), workspace_of(arguments, arguments.studies[0])
    workspace.read_facts()
    known, damaged = read(workspace.folder, workspace.study)
    found = findings.find(workspace, known, thresholds, damaged)
    where = _written(found, workspace)
    short = markdown(found) if arguments.markdown else f"{text(found)}\n\n{where}"
    return summarise(found), short


def _written(found: "Findings", workspace: Workspace) -> str:
    """Write the page and say where it is; a study that this user can only read has its short form all the same."""
    from uncollapse.analysis.report.page import write

    try:
        page = write(found, workspace.folder)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        aside(f"report: its page is not written, since {workspace.folder} can only be read ({error.strerror})")
        return "report   not written"
    return f"report   {page}\n{_logged(workspace)}"


def _thresholds(arguments: Namespace) -> dict[str, float]:
    """The verdict's thresholds that were given; the trials stay as they were measured."""
    given = {name: getattr(arguments, name) for name in THRESHOLDS if getattr(arguments, name) is not None}
    if wrong := [name for name, value in given.items() if not 0 < value < float("inf")]:
        raise UserError([f"{flag(name)}: a number of nats above 0, found {given[name]}" for name in wrong])
    return given


def _logged(workspace: Workspace) -> str:
    """Put the report beside the study's run."""
    from uncollapse.study.tracking.final_runs import log_report, logged

    uri = workspace.tracking_uri(workspace.read_facts()["settings"]["tracking"])
    return logged(lambda: log_report(uri, workspace.study, workspace.artifacts, workspace.report))


def _side_by_side(arguments: Namespace) -> Answer:
    from uncollapse.analysis.report.summary import jsonable
    from uncollapse.analysis.two_studies.compare import compare, markdown, text
    from uncollapse.study.results import findings
    from uncollapse.study.storage.tables import read

    thresholds, workspaces = _thresholds(arguments), [workspace_of(arguments, name) for name in arguments.studies]
    for workspace in workspaces:
        workspace.read_facts()
    ledgers = [read(workspace.folder, workspace.study) for workspace in workspaces]
    first, second = (
        findings.gather(workspace, known, thresholds, damaged)
        for workspace, (known, damaged) in zip(workspaces, ledgers, strict=True)
    )
    found = compare(first, second)
    short = markdown(found) if arguments.markdown else text(found)
    tables = ("sentences", "facts", "shared", "medians", "collapses")
    return {name: jsonable(getattr(found, name)) for name in tables}, short
