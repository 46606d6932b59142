"""A fingerprint covers the code that a configuration reaches, and nothing else."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.models import write
from tests.support.places import ROOT
from uncollapse.study.config import families
from uncollapse.study.storage import reach
from uncollapse.study.storage.fingerprints import code_of, files_of, fingerprint

ALWAYS = (
    "study/training/training.py",
    "study/training/batches.py",
    "study/training/devices.py",
    "models/text_vae.py",
    "models/evaluation/evaluate.py",
)
NEVER = (
    "models/configuration/constraints.py",
    "models/probes/",
    "models/generation/",
    "study/execution/driver.py",
    "study/execution/worker.py",
)


def test_a_configuration_reaches_its_components_and_what_they_import() -> None:
    files = files_of(families.load("vmf").configure({}))
    assert {*ALWAYS, "models/latents/vmf.py", "models/distributions/von_mises_fisher.py"} <= files.keys()
    assert {"models/schedules/constant.py", "models/optimizers/sgd.py", "models/updates/joint.py"} <= files.keys()
    assert {"models/latents/gaussian.py", "models/schedules/linear.py"} & files.keys() == set()
    assert not [name for name in files if name.startswith(NEVER)]


def test_a_family_reaches_whatever_its_search_can_draw() -> None:
    family = families.load("vmf")
    files = code_of([family])["vmf"]
    assert files_of(family.configure({})).items() <= files.items()
    assert {"models/schedules/linear.py", "models/schedules/cyclical.py"} <= files.keys()


def test_another_component_is_another_fingerprint() -> None:
    vmf, seqvae = (families.load(name).configure({}) for name in ("vmf", "seqvae"))
    assert fingerprint(vmf) != fingerprint(seqvae)
    larger = families.load("vmf").configure({"latent": {"size": 9}})
    assert fingerprint(vmf) == fingerprint(larger)


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's sources, to be changed."""
    place = tmp_path_factory.mktemp("project")
    for name in ("uncollapse", "models", "study", "search_spaces", "analysis"):
        shutil.copytree(ROOT / name, place / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    return place


ASK = """
from uncollapse.study.config import families
from uncollapse.study.storage import fingerprints
for name in ("vmf", "hsvae"):
    print(fingerprints.fingerprint_of(fingerprints.code_of([families.load(name)])[name]))
"""


def fingerprints(place: Path) -> list[str]:
    """Of two families, by a fresh process in a copy of the project."""
    command = [sys.executable, "-c", ASK]
    return subprocess.run(command, cwd=place, capture_output=True, text=True, check=True).stdout.split()


@pytest.fixture(scope="module")
def before(copied: Path) -> list[str]:
    return fingerprints(copied)


def appended(text: str) -> Callable[[str], str]:
    return lambda source: source + text


def imports_reversed(source: str) -> str:
    lines = source.splitlines(keepends=True)
    own = [line for line in lines if line.startswith("from uncollapse.models")]
    assert len(own) > 2
    rest = iter(reversed(own))
    return "".join(next(rest) if line in own else line for line in lines)


@pytest.mark.parametrize(
    ("file", "change", "vmf", "hsvae"),
    [
        ("models/latents/laplace.py", appended("def laplace(features, /): return 1\n"), False, False),
        ("models/latents/vmf.py", appended("\nONE = 1\n"), True, False),
        ("models/distributions/von_mises_fisher.py", appended("\nONE = 1\n"), True, False),
        ("models/latents/spike_slab.py", appended("\nONE = 1\n"), False, True),
        ("models/schedules/cyclical.py", appended("\nONE = 1\n"), True, True),
        ("study/training/batches.py", appended("\nONE = 1\n"), True, True),
        ("models/latents/vmf.py", appended("\n\n# A remark.\n"), False, False),
        ("models/latents/vmf.py", lambda source: source.replace('"""', '"""Well: ', 1), False, False),
        ("models/latents/vmf.py", imports_reversed, False, False),
        ("models/generation/bag.py", appended("\nONE = 1\n"), False, False),
        ("models/configuration/latent_constraints.py", appended("\nONE = 1\n"), False, False),
        ("study/execution/driver.py", appended("\nONE = 1\n"), False, False),
    ],
)
def test_what_changes_a_fingerprint(
    file: str, change: Callable[[str], str], vmf: bool, hsvae: bool, copied: Path, before: list[str]
) -> None:
    path = copied / file
    was = path.read_text(encoding="utf-8") if path.exists() else None
    write(path, change(was or ""))
    try:
        after = fingerprints(copied)
    finally:
        path.unlink() if was is None else path.write_text(was, encoding="utf-8")
    assert [old != new for old, new in zip(before, after, strict=True)] == [vmf, hsvae]


def read(folder: Path, name: str, text: str) -> reach.Source:
    return reach.read(write(folder / name, text), name.removesuffix(".py").replace("/", ".").removesuffix(".__init__"))


@pytest.mark.parametrize(
    ("text", "imports"),
    [
        ("import a.b as c", {"a.b"}),
        ("from a import b, c", {"a", "a.b", "a.c"}),
        ("def f():\n    from a import b", {"a", "a.b"}),
        ("from . import near\nfrom .near import thing", {"pack.deep", "pack.deep.near", "pack.deep.near.thing"}),
        ("from .. import up", {"pack", "pack.up"}),
        ("if TYPE_CHECKING:\n    from a import b", set()),
    ],
)
def test_imports_are_read_wherever_they_stand(text: str, imports: set[str], tmp_path: Path) -> None:
    assert read(tmp_path, "pack/deep/module.py", text).imports == imports
    inside = {name.replace("pack.deep", "pack") for name in imports}
    if ".. import" not in text:
        assert read(tmp_path, "pack/__init__.py", text).imports == inside


def test_a_file_is_named_by_what_it_says_and_not_by_its_place(tmp_path: Path) -> None:
    first = read(tmp_path, "a/one.py", '"""One."""\nimport b\n\nX = 1  # why\n')
    second = read(tmp_path, "b/two.py", "from c import d\nX = (1)\n")
    assert first.hash == second.hash != read(tmp_path, "c/three.py", "X = 2\n").hash
    assert read(tmp_path, "d/__init__.py", '"""A package."""\n').hash == ""


def test_it_is_known_in_a_moment_without_torch() -> None:
    code = (
        "import sys, time; from uncollapse.study.config import families; from uncollapse.study.storage import fingerprints; family = families.load('vmf'); started = time.time();"
        "fingerprints.code_of([family]); print(time.time() - started, 'torch' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    seconds, torch = found.split()
    assert float(seconds) < 3.0  # 0.1 s on an idle machine
    assert torch == "False"
