"""The page that a command is given: a file of the user, or the built-in study."""

from argparse import Namespace
from pathlib import Path

from study import specification
from study.specification import Study
from study.workspace import Workspace

BUILT_IN = Path(specification.__file__).parent / "cafes.yaml"


def study_of(arguments: Namespace) -> Study:
    """The checked study of the `page` argument."""
    path = BUILT_IN if arguments.page == "cafes" and not Path("cafes").exists() else Path(arguments.page)
    return specification.load(path)


def workspace_of(arguments: Namespace, study: str) -> Workspace:
    return Workspace(arguments.runs.resolve(), study)
