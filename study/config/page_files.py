"""Where the pages of families lie: ours, those that installed packages bring, a user's own files and folders of them.

A package brings its pages by an entry point of the group `uncollapse.pages` whose value is the package, or a folder of
it as `package.folder`, that holds them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

from uncollapse.models.configuration.sources import folder_of
from uncollapse.models.configuration.unknown_name import unknown
from uncollapse.search_spaces import space
from uncollapse.study.errors import UserError

FOLDER = Path(space.__file__).parent
GROUP = "uncollapse.pages"
SHARED_SPACES = ("annealing",)
ENDINGS = (".yaml", ".yml")


@dataclass(frozen=True)
class PageFile:
    """A page that can be asked for by the name of its family, and the package that brings it."""

    name: str
    path: Path
    package: str


def own() -> list[str]:
    """The families whose pages are ours."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml") if path.stem not in SHARED_SPACES)


@cache
def installed() -> tuple[PageFile, ...]:
    """Pages of other packages; one that is called as one of ours is left out, and asked for by its path alone."""
    found = []
    for point in sorted(entry_points(group=GROUP)):
        folder = folder_of(point.value)
        package = f"{point.dist.name} {point.dist.version}" if point.dist else ""
        found += [PageFile(path.stem, path, package) for path in _pages_in(folder)] if folder else []
    return tuple(page for page in found if page.name not in own())


def expand(wanted: Iterable[object], folder: Path) -> list[str]:
    """Names and paths as a study gives them; a folder of pages is every page in it.

    Raises:
        UserError: a folder without a page.
    """
    named: list[str] = []
    for entry in map(str, wanted):
        known = entry in own() or entry in {page.name for page in installed()}
        if known or not entry or entry.endswith(ENDINGS) or not is_folder(folder / entry):
            named.append(entry)
            continue
        if not (pages := _pages_in(folder / entry)):
            raise UserError(f"families: a folder of pages holds files ending in .yaml, and {entry!r} holds none")
        named += [str(Path(entry) / page.name) for page in pages]
    return named


def page_of(name: str, folder: Path) -> Path:
    """The page of a family by its name, or by its path, relative to `folder`.

    Raises:
        UserError: no such family.
    """
    if name.endswith(ENDINGS):
        return folder / name
    if name in own():
        return FOLDER / f"{name}.yaml"
    brought = {page.name: page.path for page in installed()}
    if name in brought:
        return brought[name]
    known = [*own(), *brought]
    raise UserError(f"families: {unknown('family', name, known)}; or give the path of a page ending in .yaml")


def is_folder(place: Path) -> bool:
    """Whether a folder is there; a name that no file can have is none."""
    try:
        return place.is_dir()
    except (OSError, ValueError):
        return False


def _pages_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in ENDINGS and path.is_file())
