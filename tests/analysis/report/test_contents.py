"""The report's contents: what is entered there stands on the page and in the files, and nothing else does."""

import csv
import html
import json
import re
from pathlib import Path

import pandas as pd
import pytest

from tests.analysis import synthetic
from uncollapse.analysis.findings import Findings, find
from uncollapse.analysis.report import contents
from uncollapse.analysis.report.figures.style import Picture
from uncollapse.analysis.report.page import write
from uncollapse.analysis.report.section import Figure, Section, Table
from uncollapse.analysis.report.summary import schema, summarise
from uncollapse.analysis.report.tables.cells import Grid, grid, text_column


@pytest.fixture(scope="module")
def found() -> Findings:
    return find(synthetic.records(("lstm_lm", "seqvae", "vmf"), trials=8, seeds=3, epochs=3))


@pytest.fixture(scope="module")
def folder(found: Findings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(found, tmp_path_factory.mktemp("study")).parent


@pytest.fixture(scope="module")
def page(folder: Path) -> str:
    return html.unescape((folder / "index.html").read_text(encoding="utf-8").split("<script", 1)[0])


def test_no_name_is_given_twice() -> None:
    for names in (
        [table.name for table in contents.tables()],
        [figure.name for figure in contents.figures()],
        [section.anchor for section in contents.SECTIONS],
    ):
        assert len(names) > 8
        assert len(set(names)) == len(names)


def test_the_page_has_every_figure_and_no_other(page: str) -> None:
    assert re.findall(r'<figure id="figure-([^"]+)"', page) == [figure.name for figure in contents.figures()]


def test_the_page_has_every_table_in_turn_and_no_other(page: str, found: Findings) -> None:
    grids = [table.cells(found) for table in contents.tables() if table.cells]
    expected = [[header for header, _ in one.headers] for one in grids if one.rows]
    heads = re.findall(r"<thead>(.*?)</thead>", page)
    assert [re.findall(r"<button[^>]*>(.*?)</button>", head) for head in heads] == expected
    assert len(expected) > 15


def test_a_table_without_rows_leaves_its_sentence(page: str, found: Findings) -> None:
    empty = [table.empty for table in contents.tables() if table.cells and not table.cells(found).rows and table.empty]
    assert empty
    assert re.findall(r'<p class="none">(.*?)</p>', page) == empty


def test_the_files_are_those_of_the_tables(folder: Path) -> None:
    tables = {f"{table.name}.csv" for table in contents.tables() if table.data}
    assert {path.name for path in folder.iterdir()} == {"index.html", "summary.json", *tables}


def test_the_summary_has_every_table_and_says_what_it_is(folder: Path, found: Findings) -> None:
    tables = {table.name for table in contents.tables() if table.says}
    assert set(summarise(found)) == {"schema", "study", "thresholds", "answer", *tables}
    assert set(summarise(found)) == {"schema", *schema()["fields"]}
    assert all(schema()["fields"].values())


def test_a_table_of_the_summary_has_the_rows_of_its_file(folder: Path) -> None:
    answer = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    for table in contents.tables():
        if table.says and not table.records:
            with (folder / f"{table.name}.csv").open(encoding="utf-8", newline="") as file:
                assert sum(1 for _ in csv.DictReader(file)) == len(answer[table.name]), table.name


def test_a_table_is_shown_or_written() -> None:
    for table in contents.tables():
        assert table.data or table.cells, table.name
        assert table.data or not table.says, table.name


def test_every_template_opens_a_section() -> None:
    templates = {path.stem for path in (Path(contents.__file__).parent / "templates").glob("*.html")}
    assert templates - {"report"} <= {section.anchor for section in contents.SECTIONS}


def test_one_entry_is_all_that_a_table_or_a_figure_needs(
    found: Findings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cells(found: Findings) -> Grid:
        return grid(pd.DataFrame({"word": ["marzipan"]}), [text_column("sweet", "word")])

    table = Table("sweets", "what is sweet", lambda found: pd.DataFrame({"word": ["marzipan"]}), cells)
    figure = Figure("cake", lambda found, looks: Picture("A cake", "It is round."))
    monkeypatch.setattr(contents, "SECTIONS", (*contents.SECTIONS, Section("more", "More", "More", [figure, table])))
    page = write(found, tmp_path).read_text(encoding="utf-8")
    section = page.split('<section id="more">')[1].split("</section>")[0]
    assert '<figure id="figure-cake"' in section
    assert "<span>marzipan</span>" in section
    assert (tmp_path / "report/sweets.csv").read_text(encoding="utf-8") == "word\nmarzipan\n"
    assert summarise(found)["sweets"] == [{"word": "marzipan"}]
    assert schema()["fields"]["sweets"] == "what is sweet"
