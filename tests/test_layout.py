"""Where tests and their helpers stand, and what a module of the product takes from another; read from the sources."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.places import ROOT

TESTS, PRODUCT = ROOT / "tests", ("analysis", "models", "search_spaces", "study", "uncollapse")
WHOLE = {
    "benchmarks",
    "clusters",
    "documents",
    "end_to_end",
    "faults",
    "mutation",
    "security",
    "support",
}  # these mirror nothing
# what Python and Optuna have under no other name
LIBRARIES = {"_asdict", "_replace", "_exit", "_trial_id", "_study_id"}
BY_ONE_FOLDER: frozenset[str] = frozenset()  # files of tests/support that one folder alone may use


def taken(path: Path) -> Iterator[tuple[str, str]]:
    """(module, name) of what a file imports from a module, at its top or inside a function."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", alias.name) for alias in node.names)


def private(path: Path) -> set[str]:
    """Names of ours with an underscore that a file takes from another module."""
    return {
        f"{module}.{name}"
        for module, name in taken(path)
        if module.split(".")[0] in ("uncollapse", "tests")
        and name.startswith("_")
        and not (path.parent / f"{name}.py").exists()  # `_base.py` is its folder's
    }


def reached(path: Path) -> set[str]:
    """Names with an underscore that a file reads of an object other than its own, or has replaced there."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) not in ("self", "cls", "super()"):
            found.add(node.attr)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("setattr"):
            found |= {one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)}
    names = {name.rpartition(".")[2] for name in found}
    return {name for name in names if name.startswith("_") and not name.startswith("__")} - LIBRARIES


def helpers(path: Path) -> set[Path]:
    """Files of tests that a file imports, or imports from."""
    named = {ROOT.joinpath(*module.split(".")) for module, _ in taken(path)}
    named |= {ROOT.joinpath(*module.split("."), name) for module, name in taken(path)}
    return {one.with_suffix(".py") for one in named if TESTS in one.parents and one.with_suffix(".py").is_file()}


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


TEST_FILES = sorted(TESTS.rglob("*.py"))
MODULES = [path for package in PRODUCT for path in sorted((ROOT / package).rglob("*.py"))]


def test_there_is_something_to_read(tmp_path: Path) -> None:
    assert len(TEST_FILES) > 150
    assert len(MODULES) > 250
    path = tmp_path / "one.py"
    path.write_text(
        "def f():\n    from uncollapse.study.errors import _hidden, shown\n    from tests.support import places\n"
    )
    assert private(path) == {"uncollapse.study.errors._hidden"}
    path.write_text(path.read_text() + "f._mine, f.__doc__, self._own\nmonkeypatch.setattr(f, '_theirs', 1)\n")
    assert reached(path) == {"_mine", "_theirs"}
    assert helpers(path) == {TESTS / "support" / "places.py"}


@pytest.mark.parametrize("path", [path for path in TEST_FILES if path.name.startswith("test_")], ids=relative)
def test_a_test_stands_in_the_folder_of_what_it_tests(path: Path) -> None:
    folder = path.parent.relative_to(TESTS)
    mirrored = [ROOT / folder, ROOT / "uncollapse" / folder]
    assert not folder.parts or folder.parts[0] in WHOLE or any(one.is_dir() for one in mirrored)


@pytest.mark.parametrize("path", TEST_FILES, ids=relative)
def test_nothing_is_taken_from_a_test(path: Path) -> None:
    assert not [one for one in helpers(path) if one.name.startswith("test_")]


def test_support_holds_what_several_folders_use_and_nothing_else_does() -> None:
    users: dict[Path, set[Path]] = {path: set() for path in TEST_FILES if not path.name.startswith(("test_", "__"))}
    for path in TEST_FILES:
        for helper in helpers(path) & users.keys():
            users[helper].add(path.parent)
    support = TESTS / "support"
    few = {path.stem for path in users if path.parent == support and len(users[path] - {support}) < 2}
    outside = {
        path.relative_to(TESTS)
        for path, folders in users.items()
        if path.parent not in (support, TESTS) and any(not one.is_relative_to(path.parent) for one in folders)
    }
    assert few == BY_ONE_FOLDER
    assert outside == set()


@pytest.mark.parametrize("path", MODULES + TEST_FILES, ids=relative)
def test_a_name_with_an_underscore_stays_with_what_it_belongs_to(path: Path) -> None:
    assert private(path) == set()
    assert reached(path) == set()
