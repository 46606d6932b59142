"""The page that a command is given: a file of the user, or the built-in study."""

from argparse import Namespace
from pathlib import Path

from uncollapse.cli.folders import runs_of
from uncollapse.study.config import study_page
from uncollapse.study.config.names import study_error
from uncollapse.study.config.study_page import Study
from uncollapse.study.errors import UserError
from uncollapse.study.storage.workspace import Workspace

BUILT_IN = Path(study_page.__file__).parent / "cafes.yaml"


def study_of(arguments: Namespace) -> Study:
    """The checked study of the `page` argument."""
    path = BUILT_IN if arguments.page == "cafes" and not Path("cafes").exists() else Path(arguments.page)
    return study_page.load(path)


def workspace_of(arguments: Namespace, study: str) -> Workspace:
    """Where a study lies; a name that would lead out of --runs is none."""
    if (error := study_error(study)) is not None:
        raise UserError(f"study: {error}")
    return Workspace(runs_of(arguments), study)
