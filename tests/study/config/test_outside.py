"""Components and pages of other packages: by name, by entry point, by path; recorded, exported and refused."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from tests.support import exported_files, installed, models
from tests.support.places import ROOT
from uncollapse.cli.main import main
from uncollapse.models.configuration import components, outside, resolve
from uncollapse.models.text_vae import TextVAE
from uncollapse.study.config import families, study_page
from uncollapse.study.corpora.prepare import prepare
from uncollapse.study.errors import UserError
from uncollapse.study.planning.resume import begin
from uncollapse.study.storage import exported_config, fingerprints
from uncollapse.study.storage.outside import python_path, recorded
from uncollapse.study.storage.workspace import Workspace
from uncollapse.study.training.training import Task, Training


@pytest.fixture
def laplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[families.Family]:
    """The family of the example package, which is installed for as long as the test runs."""
    with installed.package(tmp_path, monkeypatch):
        yield families.load("laplace")


def test_a_short_name_stands_for_the_full_one_which_is_what_is_kept(laplace: families.Family) -> None:
    assert laplace.configure({})["latent"] == {"kind": installed.KIND, "size": 32, "prior_scale": 1.0}
    named = {**laplace.base, "latent": {"kind": installed.KIND, "size": 32}}
    assert resolve.errors(named) == []
    assert resolve.resolve(named) == laplace.configure({})


def test_nothing_is_imported_until_a_model_is_built(tmp_path: Path) -> None:
    code = (
        "import sys; from uncollapse.study.config import families; family = families.load('laplace');"
        "from uncollapse.study.storage import fingerprints; fingerprints.code_of([family]); print([name in sys.modules for name in ('laplace_latent', 'torch')])"
    )
    assert asked(code, tmp_path, installed.SOURCES) == "[False, False]"


def asked(code: str, tmp_path: Path, sources: Path) -> str:
    """What a fresh process prints that finds the example package in `sources`."""
    path = os.pathsep.join(map(str, (ROOT, sources, installed.metadata(tmp_path / "metadata"))))
    command = [sys.executable, "-P", "-c", code]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_model_of_it_trains_like_any_other(laplace: families.Family) -> None:
    task = Task(
        laplace.override(models.SMALL).configure({}), models.CORPUS_INFO, 1, 1, batch_size=16, effort=models.EFFORT
    )
    training = Training(task, models.split(50, seed=1), models.split(30, seed=2), torch.device("cpu"))
    (epoch,) = training.epochs()
    assert epoch["subset/kl"] > 0
    assert type(training.model.latent).__name__ == "Laplace"


def test_what_a_study_records_of_it(laplace: families.Family, tmp_path: Path) -> None:
    page = {"study": "mine", "corpus": {"name": "cafes", "sentences": 200}, "families": ["laplace", "seqvae"]}
    study = study_page.parse(page, tmp_path, "mine.yaml")
    workspace = Workspace(tmp_path / "runs", "mine")
    begin(study, workspace, "mine.yaml", prepare(study.corpus, tmp_path / "cache", tmp_path))
    facts = workspace.read_facts()
    (component,) = facts["outside"]
    file = installed.SOURCES / "laplace_latent" / "latent.py"
    assert component == {
        "slot": "latent",
        "kind": installed.KIND,
        "module": "laplace_latent.latent",
        "file": str(file),
        "code": component["code"],
    }
    assert {"laplace_latent/latent.py", "laplace_latent/divergence.py"} <= facts["code"]["laplace"].keys()
    assert not [name for name in facts["code"]["seqvae"] if name.startswith("laplace")]
    assert facts["code"]["laplace"] == dict(fingerprints.code_of([laplace])["laplace"])


def test_its_folder_is_what_workers_have_to_search(laplace: families.Family, monkeypatch: pytest.MonkeyPatch) -> None:
    assert python_path(families.reachable(laplace)) == [str(installed.SOURCES)]
    assert python_path(families.reachable(families.load("vmf"))) == []
    monkeypatch.setattr("uncollapse.study.storage.outside.INSTALLED", (installed.SOURCES,))
    assert python_path(families.reachable(laplace)) == []


RECORDED = (
    "from uncollapse.study.config import families; from uncollapse.study.storage.outside import recorded;"
    "print(*[one['code'] for one in recorded(families.reachable(families.load('laplace')))])"
)


@pytest.mark.parametrize(
    ("file", "text", "changes"),
    [
        ("latent.py", "\nONE = 1\n", True),
        ("divergence.py", "\nONE = 1\n", True),
        ("divergence.py", "\n# A remark.\n", False),
        ("unused.py", "ONE = 1\n", False),
    ],
)
def test_its_fingerprint_covers_its_file_and_what_that_imports_of_its_package(
    file: str, text: str, changes: bool, tmp_path: Path
) -> None:
    copy = shutil.copytree(installed.SOURCES, tmp_path / "copy")
    with (copy / "laplace_latent" / file).open("a") as source:
        source.write(text)
    before = asked(RECORDED, tmp_path / "before", installed.SOURCES)
    assert len(before) == 12
    assert (asked(RECORDED, tmp_path / "after", copy) != before) == changes


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("laplac", "unknown kind of latent 'laplac'; did you mean 'laplace'?"),
        ("gone.latent:Laplace", "the package gone is neither installed here nor on PYTHONPATH; install it, or put"),
        ("laplace_latent.gone:Laplace", f"the package laplace_latent is here, in {installed.SOURCES}, and has no such"),
        ("laplace_latent.latent:Laplac", "unknown class or function of laplace_latent.latent 'Laplac'; did you mean"),
        ("laplace_latent.divergence:kl", "the arguments of kl are wiring left of `/` and options right of `*`"),
        ("os:system", "os belongs to Python"),
        ("../laplace_latent/latent:Laplace", "is `package.module:Name`, of letters, digits and underscores"),
        ("laplace_latent/latent.py:Laplace", "is `package.module:Name`"),
        ("laplace_latent.latent:Laplace()", "is `package.module:Name`"),
        ("laplace_latent..latent:Laplace", "is `package.module:Name`"),
        (":", "is `package.module:Name`"),
        (7, "unknown kind of latent '7'"),
    ],
)
@pytest.mark.usefixtures("laplace")
def test_a_kind_that_cannot_be_used_is_refused_in_a_sentence(kind: object, error: str) -> None:
    found = components.errors("latent", {"kind": kind}, "p")
    assert found
    assert found[0].startswith("p.kind: ")
    assert error in found[0]


BAD = """
class Bad:
    variables = tuple("z")
    def __init__(self, features, /, *, size: "Size", rate: Rate = open("x"), other=1, free: dict = None, most: Size = 0):
        ...
class Bare:
    variables = ("z",)
class Loose:
    variables = "z"
    penalties = tuple("z")
    def __init__(self, features, *names, size: Size = 3, **more): ...
"""


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "Bad",
            (
                "option size of Bad is annotated as",
                "default of option rate of Bad is a plain value",
                "option other of Bad is annotated as",
                "option free of Bad is annotated as",
                "default of option most of Bad must be at least 1, found `0`",
                "`variables` of Bad is a literal",
            ),
        ),
        ("Bare", ("takes its options in an `__init__` of its own",)),
        (
            "Loose",
            ("wiring left of `/`", "`variables` of Loose is a tuple of names", "`penalties` of Loose is a literal"),
        ),
    ],
)
def test_a_signature_that_a_page_cannot_use_is_refused_with_all_its_errors(
    name: str, told: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = f"made_{tmp_path.name.replace('-', '_')}"
    models.write(tmp_path / f"{package}.py", BAD)
    monkeypatch.syspath_prepend(str(tmp_path))
    found = components.errors("latent", {"kind": f"{package}:{name}"}, "p")
    assert len(found) == len(told)
    assert all(any(sentence in error for error in found) for sentence in told)


@pytest.mark.parametrize(
    "default",
    [
        "open('mark', 'w')",
        "().__class__",
        "typing.sys.modules",
        "[x for x in (1, 2)]",
        "(lambda: 1)()",
        "9**9**9",
        "f'{1}'",
        "Bound.__init__(1)",
    ],
)
def test_nothing_in_a_signature_is_run(default: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = f"made_default_{abs(hash(default))}"
    text = f"class X:\n    variables = ('z',)\n    def __init__(self, features, /, *, size: Size = {default}): ..."
    models.write(tmp_path / f"{package}.py", text)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (error,) = components.errors("latent", {"kind": f"{package}:X"}, "p")
    assert error.startswith("p.kind: the default of option size of X is a plain value, written out, found `")
    with pytest.raises(AssertionError, match="not of plain names and values"):
        components.options("latent", f"{package}:X")
    assert not (tmp_path / "mark").exists()


def test_a_file_that_is_no_python_is_named_with_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models.write(tmp_path / "made_unreadable.py", "x = 1\nclass (\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    (error,) = components.errors("latent", {"kind": "made_unreadable:X"}, "p")
    assert "made_unreadable.py, line 2: this is not Python that can be read" in error


def test_a_module_of_its_package_that_is_no_python_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models.write(tmp_path / "made_partly" / "__init__.py", "")
    models.write(tmp_path / "made_partly" / "helper.py", "class (\n")
    text = "from made_partly import helper\nclass X:\n    variables = ()\n    def __init__(self, features, /): ...\n"
    models.write(tmp_path / "made_partly" / "latent.py", text)
    monkeypatch.syspath_prepend(str(tmp_path))
    base = families.load("seqvae").override(models.SMALL).base
    complete = resolve.resolve({**base, "latent": {"kind": "made_partly.latent:X"}})
    with pytest.raises(UserError, match=r"helper\.py: this module of a component is not Python that can be read"):
        fingerprints.fingerprint(complete)


def test_a_package_that_fails_on_import_is_named_when_a_model_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (installed.SOURCES / "laplace_latent" / "latent.py").read_text().replace("laplace_latent.divergence", "gone")
    models.write(tmp_path / "made_broken.py", text)
    monkeypatch.syspath_prepend(str(tmp_path))
    base = families.load("seqvae").override(models.SMALL).base
    complete = resolve.resolve({**base, "latent": {"kind": "made_broken:Laplace", "size": 4}})
    with pytest.raises(ValueError, match=r"made_broken:Laplace: it cannot be imported here .ModuleNotFoundError"):
        TextVAE(complete, models.CORPUS_INFO)


def test_an_exported_file_keeps_the_full_name_and_says_what_is_missing(tmp_path: Path) -> None:
    corpus = prepare(exported_files.CORPUS, tmp_path / "cache", tmp_path)
    model = models.configuration("seqvae") | {"latent": {"kind": "gone.latent:Laplace", "size": 4}}
    path = models.write(tmp_path / "best.yaml", yaml.safe_dump(exported_files.exported("seqvae", corpus, model=model)))
    with pytest.raises(UserError, match=r"model\.latent\.kind: the module gone\.latent is not found: the package gone"):
        exported_config.read(path, edited=True)


def test_a_family_may_be_a_page_by_its_path_or_every_page_of_a_folder(tmp_path: Path) -> None:
    for name in ("one", "two"):
        models.write(tmp_path / "own" / f"{name}.yaml", models.PAGE)
    (tmp_path / "vmf").mkdir()
    page = {"study": "mine", "corpus": {"name": "cafes"}, "families": ["own", "vmf"]}
    study = study_page.parse(page, tmp_path, "mine.yaml")
    assert [family.name for family in study.families] == ["one", "two", "vmf"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"a folder of pages holds files ending in \.yaml, and 'empty' holds none"):
        study_page.parse({**page, "families": ["empty"]}, tmp_path, "mine.yaml")


@pytest.mark.usefixtures("laplace")
def test_families_lists_what_other_packages_bring(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["families", "--json"]) == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    (row,) = [row for row in told["families"] if row["from"] != "uncollapse"]
    assert (row["family"], row["page"], row["from"]) == ("laplace", str(installed.PAGE), "laplace-latent 0.1.0")
    assert told["components"] == [
        {"slot": "latent", "kind": "laplace", "name": installed.KIND, "package": "laplace-latent 0.1.0"}
    ]
    assert main(["families"]) == 0
    listed = capsys.readouterr().out
    assert f"{installed.PAGE}, from laplace-latent 0.1.0" in listed
    assert f"latent: {{kind: laplace}}  {installed.KIND}, from laplace-latent 0.1.0" in listed


def test_two_packages_that_register_one_name_are_both_named(monkeypatch: pytest.MonkeyPatch) -> None:
    two = tuple(outside.Registered("latent", "mine", f"{package}.latent:Mine", package) for package in ("a", "b"))
    monkeypatch.setattr(outside, "registered", lambda: two)
    (error,) = components.errors("latent", {"kind": "mine"}, "p")
    assert error == "p.kind: several packages register a latent 'mine'; name one of a.latent:Mine, b.latent:Mine"


def test_nothing_of_ours_is_recorded_as_from_outside() -> None:
    assert recorded(families.reachable(families.load("hsvae"))) == []
