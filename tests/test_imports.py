"""Which part of the project may import what, read from the sources; and what a light command loads."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.places import ROOT

OURS = ("models", "search_spaces", "study", "analysis", "tests")
HEAVY = ("torch", "ray", "mlflow", "optuna")
SPEAKERS = {
    "ray": {"study/execution/cluster.py", "study/execution/ray_tune.py", "study/execution/worker.py"},
    "mlflow": {
        "study/tracking/projection.py",
        "analysis/mlflow_runs/sources.py",
        "analysis/mlflow_runs/artifacts.py",
        "uncollapse/cli/ui.py",
        "study/tracking/verification.py",
        "study/serving/registry.py",
        "study/serving/pyfunc.py",
    },
    "optuna": {
        "study/storage/ledger.py",
        "study/stages/samplers.py",
        "study/stages/search.py",
        "study/stages/replicate.py",
        "study/storage/tables.py",
        "study/stages/warm_start.py",
        "analysis/hyperparameters/importance.py",
    },
}


def sources(package: str) -> Iterator[Path]:
    yield from sorted((ROOT / package).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Modules that a file names in an import, at its top or inside a function."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def packages(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imported(path)}


def test_imports_inside_functions_are_read_too(tmp_path: Path) -> None:
    path = tmp_path / "part.py"
    path.write_text("import a.b\ndef f():\n    from c import d\n")
    assert imported(path) == {"a.b", "c", "c.d"}
    assert packages(path) == {"a", "c"}


@pytest.mark.parametrize("package", ["analysis", "models", "search_spaces"])
def test_the_three_lower_packages_import_none_of_the_others(package: str) -> None:
    paths = list(sources(package))
    assert len(paths) > 2
    strangers = {name for name in OURS if name != package}
    assert {path.relative_to(ROOT).as_posix(): packages(path) & strangers for path in paths} == {
        path.relative_to(ROOT).as_posix(): set() for path in paths
    }


def test_nothing_imports_tests() -> None:
    assert not [path for package in OURS[:-1] for path in sources(package) if "tests" in packages(path)]


@pytest.mark.parametrize("library", SPEAKERS)
def test_a_library_is_spoken_to_in_its_own_files_only(library: str) -> None:
    speaking = {
        path.relative_to(ROOT).as_posix()
        for package in OURS[:-1]
        for path in sources(package)
        if library in packages(path)
    }
    assert speaking
    assert speaking <= SPEAKERS[library]


@pytest.mark.parametrize(
    "path",
    [
        "study/training/training.py",
        "study/training/batches.py",
        "study/config/study_page.py",
        "study/config/families.py",
    ],
)
def test_training_and_pages_know_no_ray_no_mlflow_and_no_optuna(path: str) -> None:
    assert not packages(ROOT / path) & {"ray", "mlflow", "optuna"}


def loads(code: str) -> set[str]:
    """Which of the heavy libraries a fresh process has loaded after `code`."""
    tail = f"\nimport sys; print('loaded', *[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code + tail], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.splitlines()[-1].split()[1:])


@pytest.mark.parametrize(
    "code",
    [
        "import uncollapse.study.config.study_page",
        "import uncollapse.study.config.families; [uncollapse.study.config.families.load(name) for name in uncollapse.study.config.families.names()]",
        "from uncollapse.cli.main import main; assert main(['families']) == 0",
        "from uncollapse.cli.main import main; assert main(['show', 'vmf']) == 0",
        "from uncollapse.cli.main import main; assert main(['show', 'vfm']) == 2",
        "import uncollapse.study.trial_record",
    ],
)
def test_a_page_is_listed_shown_and_refused_without_anything_heavy(code: str) -> None:
    assert loads(code) == set()


def test_training_loads_torch_alone() -> None:
    assert loads("import uncollapse.study.training.training") == {"torch"}


def test_a_worker_loads_nothing_until_it_works() -> None:
    assert loads("import uncollapse.study.execution.worker") == set()
