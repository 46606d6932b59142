"""Where the source of a module lies, found without importing it or any package above it."""

import importlib.util
from importlib.machinery import ModuleSpec
from pathlib import Path


def file_of(module: str) -> Path | None:
    """The source file of a module by its dotted name; None where there is none to read."""
    top, *rest = module.split(".")
    spec = _found(top)
    if spec is None:
        return None
    if spec.submodule_search_locations is None:
        return _source(Path(spec.origin or "")) if not rest else None
    places = [Path(location, *rest) for location in spec.submodule_search_locations]
    files = (file for place in places for file in (place / "__init__.py", place.with_name(place.name + ".py")))
    return next((found for file in files if (found := _source(file)) is not None), None)


def folder_of(package: str) -> Path | None:
    """The folder of a package, or of a folder within one, by its dotted name."""
    top, *rest = package.split(".")
    spec = _found(top)
    locations = (spec.submodule_search_locations if spec else None) or ()
    return next((place for location in locations if (place := Path(location, *rest)).is_dir()), None)


def holder_of(module: str) -> Path | None:
    """The folder that is searched for the module's top-level package; None where that is not installed here."""
    spec = _found(module.partition(".")[0])
    if spec is None:
        return None
    return next((Path(place).parent for place in (*(spec.submodule_search_locations or ()), spec.origin or "")), None)


def _found(top: str) -> ModuleSpec | None:
    """A top-level package or module; what stands above a module is looked up by its path, since Python imports it."""
    try:
        return importlib.util.find_spec(top)
    except (ImportError, ValueError):  # of a module that was made by hand
        return None


def _source(file: Path) -> Path | None:
    return file if file.suffix == ".py" and file.is_file() else None
