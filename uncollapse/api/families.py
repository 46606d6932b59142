"""Model families: their names and their pages. Light to import."""

from pathlib import Path

from uncollapse.study.config import families as pages
from uncollapse.study.config.families import Family


def families() -> list[str]:
    """The names of all families that have a page here."""
    return pages.names()


def family(name: str | Path) -> Family:
    """A family by its name, or by the path of a page of your own.

    `family("vmf").base` is its page, `.search` its search space, and `.configure({})` its complete configuration.

    Raises:
        UserError: no such family, or every error of its page.
    """
    return pages.load(str(name), Path.cwd())
