"""The page that a command is given: a file of the user, or the built-in study."""

from argparse import Namespace
from pathlib import Path

from study import specification
from study.commands.folders import runs_of
from study.errors import UserError
from study.names import study_fault
from study.specification import Study
from study.workspace import Workspace

BUILT_IN = Path(specification.__file__).parent / "cafes.yaml"


def study_of(arguments: Namespace) -> Study:
    """The checked study of the `page` argument."""
    path = BUILT_IN if arguments.page == "cafes" and not Path("cafes").exists() else Path(arguments.page)
    return specification.load(path)


def workspace_of(arguments: Namespace, study: str) -> Workspace:
    """Where a study lies; a name that would lead out of --runs is none."""
    if (fault := study_fault(study)) is not None:
        raise UserError(f"study: {fault}")
    return Workspace(runs_of(arguments), study)
