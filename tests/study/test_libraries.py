"""What the libraries are told: by one function, when it is called, and never by importing a module of ours."""

import json
import os
import subprocess
import sys

import pytest

from tests.support.places import ROOT
from uncollapse.study.libraries import ENVIRONMENT

LIBRARIES = ("mlflow", "optuna", "ray.tune", "torch", "pandas", "plotly.graph_objects", "spacy", "scipy.stats")
OURS = ("models", "search_spaces", "analysis", "study")
SETTING = "import json, logging, os, importlib\nfrom uncollapse.study.libraries import LEVELS, configure_libraries\n"
STATE = "lambda: [dict(os.environ), {name: logging.getLogger(name).level for name in LEVELS}]"


def run(script: str) -> list:
    """What a fresh process, told nothing yet, prints as JSON in its last line."""
    untold = {name: value for name, value in os.environ.items() if name not in ENVIRONMENT}
    command = [sys.executable, "-c", SETTING + script]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=untold)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def modules() -> list[str]:
    paths = [path.relative_to(ROOT) for package in OURS for path in sorted((ROOT / package).rglob("*.py"))]
    return [".".join(("uncollapse", *path.with_suffix("").parts)).removesuffix(".__init__") for path in paths]


def test_importing_a_module_of_ours_changes_neither_the_environment_nor_a_logger() -> None:
    names = modules()
    assert len(names) > 200
    script = (
        f"state = {STATE}\n"
        f"for name in {LIBRARIES!r}: importlib.import_module(name)\n"
        "changed, before = {}, state()\n"
        f"for name in {names!r}:\n"
        "    importlib.import_module(name)\n"
        "    if (after := state()) != before: changed[name], before = True, after\n"
        "print(json.dumps(list(changed)))"
    )
    assert run(script) == []


@pytest.mark.parametrize("before", [True, False])
def test_the_libraries_obey_whether_they_are_told_before_they_are_imported_or_after(before: bool) -> None:
    imports = "import mlflow, optuna, ray.tune\n"
    script = "configure_libraries()\n" + imports if before else imports + "configure_libraries()\n"
    loggers = ("mlflow", "alembic", "optuna.storages.journal._storage", "optuna.study.study", "ray.tune")
    asked = f"print(json.dumps([logging.getLogger(name).getEffectiveLevel() for name in {loggers!r}]))"
    assert run(script + asked) == [40, 40, 30, 30, 50]


def test_what_the_user_has_set_stays_and_nothing_is_loaded() -> None:
    script = (
        "os.environ['TUNE_GLOBAL_CHECKPOINT_S'] = '7'\n"
        "for _ in range(2): configure_libraries()\n"
        "import sys; loaded = [name for name in ('ray', 'mlflow', 'optuna', 'torch') if name in sys.modules]\n"
        "print(json.dumps([os.environ['TUNE_GLOBAL_CHECKPOINT_S'], os.environ['RAY_AIR_NEW_OUTPUT'], loaded]))"
    )
    assert run(script) == ["7", "0", []]
