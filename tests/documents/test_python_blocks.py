"""Python blocks and the notebook, run as a reader would: a page's blocks one after another, beside a small study."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.documents import pages
from tests.support.running_studies import UNCOLLAPSE, page, run

NOTEBOOK = pages.ROOT / "examples" / "01_quickstart.ipynb"
BLOCKS = pages.every_block("python")


def cells() -> list[str]:
    """The notebook's code, cell by cell."""
    found = json.loads(pages.text(NOTEBOOK))["cells"]
    return ["".join(cell["source"]) for cell in found if cell["cell_type"] == "code"]


def scripts() -> dict[str, str]:
    """What is run, by where it stands: a page's blocks in order, and the notebook."""
    running = [block for block in BLOCKS if block.runs]
    by_page: dict[str, list[str]] = {}
    for block in running:
        by_page.setdefault(block.place.split(":")[0], []).append(block.body)
    return {**{place: "\n".join(bodies) for place, bodies in by_page.items()}, pages.name(NOTEBOOK): "\n".join(cells())}


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.place)
def test_a_block_is_python(block: pages.Block) -> None:
    assert compile(block.body, block.place, "exec")


def test_the_notebook_is_one_and_keeps_no_output() -> None:
    notebook = json.loads(pages.text(NOTEBOOK))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
    assert [cell for cell in notebook["cells"] if cell.get("outputs") or cell.get("execution_count")] == []


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the documents' reader stands: with a finished study `my` and the final training of one family."""
    place = tmp_path_factory.mktemp("reader")
    small = {"search": {"trials": 2, "stop_early": "none"}, "train": {"epochs": 2}, "export": {"collapse_limit": 1.0}}
    written = page(place, study="my", families=["seqvae", "vmf"], **small).rename(place / "my.yaml")
    run(written, place / "runs")
    subprocess.run([*UNCOLLAPSE, "train", "runs/my/best/vmf.yaml"], cwd=place, check=True, capture_output=True)
    return place


@pytest.mark.slow
@pytest.mark.parametrize("place", scripts())
def test_it_runs(place: str, folder: Path) -> None:
    (folder / "script.py").write_text(scripts()[place])
    done = subprocess.run([sys.executable, "script.py"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-4000:]
