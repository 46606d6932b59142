"""Which part of the project may import what, read from the sources; and what a light command loads.

The rule: `uncollapse` -> `study` -> {`analysis`, `models`, `search_spaces`}, and inside each of them downwards only.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.places import ROOT

HEAVY = ("torch", "ray", "mlflow", "optuna", "pandas")
LOWER = ("analysis", "models", "search_spaces")
# Rooms and loose modules of each package, lowest first: what stands in one row imports rows above it and nothing else.
ROWS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "search_spaces": (("page_yaml",), ("space",), ("grid",)),
    "models": (
        ("batch", "configuration", "corpus_info", "distributions", "trace", "variable"),
        ("latents", "layers", "measures", "objective", "optimizers", "pools", "schedules"),
        ("decoders", "encoders", "inputs"),
        ("text_vae",),
        ("evaluation", "probes", "updates"),
        ("conformance", "generation"),
    ),
    "analysis": (
        ("counted", "dotted", "losses", "schema", "statistics", "whole_file"),
        ("tables", "verdict_rule"),
        ("hyperparameters", "mlflow_runs", "sparsity", "verdicts"),
        ("collapse",),
        ("comparison",),
        ("findings",),
        ("report",),
        ("two_studies",),
    ),
    "study": (
        ("durations", "errors", "outline", "proxies", "validation"),
        ("disk_faults", "libraries", "output", "trial_record"),
        ("corpora",),
        ("config",),
        ("training",),
        ("storage",),
        ("tracking", "stages"),
        ("planning", "results"),
        ("execution", "transfer"),
        ("serving",),
    ),
}
# Rooms in which a library is spoken to; nobody else imports it.
SPEAKERS = {
    "ray": {"study/execution"},
    "mlflow": {"study/tracking", "study/serving", "analysis/mlflow_runs"},
    "optuna": {"study/stages", "study/storage", "analysis/hyperparameters"},
}


class Import(NamedTuple):
    """One name that a file imports: at its top or inside a function."""

    file: str
    line: int
    module: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} imports {self.module}"


def imports(path: Path, root: Path = ROOT) -> Iterator[Import]:
    """Every module, and every name of a module, that a file imports."""
    place = path.relative_to(root).as_posix()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (Import(place, node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{place}:{node.lineno}: imports are absolute"
            yield from (Import(place, node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def sources(package: str, root: Path = ROOT) -> list[Path]:
    """The files of one of the four packages, or of the front door."""
    if package == "uncollapse":
        return sorted(
            [*(root / package).glob("*.py"), *(root / package).glob("api/*.py"), *(root / package).glob("cli/**/*.py")]
        )
    return sorted((root / package).rglob("*.py"))


def ours(found: Import) -> list[str]:
    """The dotted path below `uncollapse` of what is imported; empty for a library."""
    first, *rest = found.module.split(".")
    return rest if first == "uncollapse" else []


def units(package: str, root: Path = ROOT) -> set[str]:
    """Rooms and loose modules of a package, as they lie on disk."""
    there = {path.relative_to(root / package).parts[0] for path in (root / package).rglob("*.py")}
    return {name.removesuffix(".py") for name in there} - {"__init__"}


def inside(package: str, root: Path = ROOT) -> list[tuple[str, str, Import]]:
    """(unit, unit it imports, where) for every import from one unit of a package to another."""
    found = []
    for path in sources(package, root):
        own = path.relative_to(root / package).parts[0].removesuffix(".py")
        for one in imports(path, root):
            head, *rest = ours(one) or [""]
            if head == package and rest and rest[0] != own:
                found.append((own, rest[0], one))
    return found


def upward(package: str, rows: tuple[tuple[str, ...], ...], root: Path = ROOT) -> list[str]:
    """Imports that do not go down."""
    row_of = {name: row for row, names in enumerate(rows) for name in names}
    return [str(where) for own, other, where in inside(package, root) if own in row_of and row_of[other] >= row_of[own]]


@pytest.mark.parametrize("package", ROWS)
def test_every_room_has_a_row_and_every_row_its_rooms(package: str) -> None:
    assert units(package) == {name for row in ROWS[package] for name in row}


@pytest.mark.parametrize("package", ROWS)
def test_imports_inside_a_package_go_down(package: str) -> None:
    seen = {own for own, _, _ in inside(package)}
    assert seen >= {row[0] for row in ROWS[package][-1:]}, "the highest row imports nothing: is anything read?"
    assert upward(package, ROWS[package]) == []


@pytest.mark.parametrize("package", LOWER)
def test_the_three_lower_packages_import_none_of_ours(package: str) -> None:
    found = [one for path in sources(package) for one in imports(path) if ours(one)]
    assert found, "nothing of ours is imported: is anything read?"
    assert [str(one) for one in found if ours(one)[0] != package] == []


def test_nothing_imports_the_front_door_and_nobody_imports_tests() -> None:
    found = [one for package in ROWS for path in sources(package) for one in imports(path)]
    assert [str(one) for one in found if ours(one)[:1] and ours(one)[0] not in ROWS] == []
    every = found + [one for path in sources("uncollapse") for one in imports(path)]
    assert len(every) > len(found)
    assert [str(one) for one in every if one.module.split(".")[0] == "tests"] == []


@pytest.mark.parametrize("library", SPEAKERS)
def test_a_library_is_spoken_to_in_its_own_rooms_only(library: str) -> None:
    every = [one for package in (*ROWS, "uncollapse") for path in sources(package) for one in imports(path)]
    speaking = {"/".join(one.file.split("/")[:2]) for one in every if one.module.split(".")[0] == library}
    assert speaking == SPEAKERS[library]


@pytest.mark.parametrize(
    ("rows", "wrong"),
    [
        ((("low",), ("high",)), []),
        ((("high",), ("low",)), ["pack/high/b.py:2 imports uncollapse.pack.low.a"]),
        ((("high", "low"),), ["pack/high/b.py:2 imports uncollapse.pack.low.a"]),
    ],
)
def test_a_broken_rule_is_seen_also_inside_a_function(
    rows: tuple[tuple[str, ...], ...], wrong: list[str], tmp_path: Path
) -> None:
    for name, text in {"low/a.py": "", "high/b.py": "def f():\n    from uncollapse.pack.low import a\n"}.items():
        (tmp_path / "pack" / name).parent.mkdir(parents=True)
        (tmp_path / "pack" / name).write_text(text)
    assert units("pack", tmp_path) == {"low", "high"}
    assert upward("pack", rows, tmp_path) == wrong


def test_no_folder_holds_more_than_twenty_files() -> None:
    folders = {path.parent for package in (*ROWS, "uncollapse") for path in sources(package)}
    assert len(folders) > 30
    crowded = {str(folder.relative_to(ROOT)): len(list(folder.glob("*.py"))) for folder in folders}
    assert {name: count for name, count in crowded.items() if count > 20} == {}


@pytest.mark.parametrize("name", ["study", "models", "analysis", "search_spaces"])
def test_a_second_copy_of_a_module_is_refused(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"import {name}"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 1
    assert f"write `from uncollapse import {name}`" in done.stderr


def loads(code: str) -> set[str]:
    """Which of the heavy libraries a fresh process has loaded after `code`."""
    tail = f"\nimport sys; print('loaded', *[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-P", "-c", code + tail], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split()[1:])


COMMAND = "from uncollapse.cli.main import main; assert main"


@pytest.mark.parametrize(
    "code",
    [
        "import uncollapse; assert 'load_study' in dir(uncollapse)",
        "import uncollapse; uncollapse.load_study({'study': 'a', 'corpus': {'name': 'cafes'}, 'families': ['vmf']})",
        "import uncollapse.study.config.study_page",
        "from uncollapse.study.config import families; [families.load(name) for name in families.names()]",
        f"{COMMAND}(['families']) == 0",
        f"{COMMAND}(['show', 'vmf']) == 0",
        f"{COMMAND}(['show', 'vfm']) == 2",
        "import uncollapse.study.trial_record, uncollapse.analysis.schema",
        "import uncollapse.study.execution.worker",
    ],
)
def test_what_is_light_loads_nothing_heavy(code: str) -> None:
    assert loads(code) == set()


def test_training_loads_torch_alone() -> None:
    assert loads("import uncollapse.study.training.training") == {"torch"}
