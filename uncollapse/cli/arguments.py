"""The study that a command is given: its page, a file of the user or the built-in one, or its name."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from uncollapse.cli.folders import runs_of, runs_option
from uncollapse.study.config import study_page
from uncollapse.study.config.names import study_error
from uncollapse.study.config.study_page import Study
from uncollapse.study.errors import UserError
from uncollapse.study.planning.able import only_able
from uncollapse.study.storage.locks import is_running
from uncollapse.study.storage.workspace import Workspace

BUILT_IN = Path(study_page.__file__).parent / "cafes.yaml"


def study_options(parser: ArgumentParser) -> None:
    """Add the name of a study, and where it lies."""
    parser.add_argument("study", help="a study's name")
    runs_option(parser)


def page_options(parser: ArgumentParser) -> None:
    """Add the page of a study, and what trains it."""
    parser.add_argument("page", help="the study's page: a YAML file, or `cafes` for the built-in study")
    runs_option(parser)
    parser.add_argument("--address", help="of a Ray cluster, such as auto; without it Ray starts on this machine")
    parser.add_argument("--cpus", type=int, help="CPUs that a Ray started here offers (all of the machine's)")


def study_of(arguments: Namespace) -> Study:
    """The checked study of the `page` argument."""
    path = BUILT_IN if arguments.page == "cafes" and not Path("cafes").exists() else Path(arguments.page)
    return only_able(study_page.load(path))


def workspace_of(arguments: Namespace, study: str) -> Workspace:
    """Where a study lies; a name that would lead out of --runs is none."""
    if (error := study_error(study)) is not None:
        raise UserError(f"study: {error}")
    return Workspace(runs_of(arguments), study)


def running_study(arguments: Namespace) -> Workspace:
    """Where the study lies that some process runs; `UserError` where none does."""
    workspace = workspace_of(arguments, arguments.study)
    workspace.read_facts()
    if not is_running(workspace.folder):
        raise UserError(f"{workspace.study}: no process is running it; `uncollapse run` with its page starts it again")
    return workspace
