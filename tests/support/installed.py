"""The example package as an installer leaves it: its folder on the path, and what says which entry points it has."""

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.places import ROOT
from uncollapse.models.configuration import components, outside
from uncollapse.study.config import page_files

PACKAGE = ROOT / "examples" / "06_custom_component" / "laplace_package"
SOURCES = PACKAGE / "src"
KIND = "laplace_latent.latent:Laplace"
PAGE = SOURCES / "laplace_latent" / "laplace.yaml"


def metadata(folder: Path) -> Path:
    """A folder that makes Python take the example for installed once it is searched; made of its pyproject alone."""
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    name, version = project["name"], project["version"]
    inside = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    inside.mkdir(parents=True)
    (inside / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
    lines = []
    for group, points in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{point} = {value}" for point, value in points.items())]
    (inside / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@contextmanager
def package(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The example package, installed for as long as the block runs."""
    monkeypatch.syspath_prepend(str(SOURCES))
    monkeypatch.syspath_prepend(str(metadata(folder / "metadata")))
    forget()
    yield
    forget()


def forget() -> None:
    for known in (outside.registered, page_files.installed, components.full_kind, components.source_of):
        known.cache_clear()
