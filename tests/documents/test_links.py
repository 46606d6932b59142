"""Every link of a document leads somewhere, and every path that one names is there."""

import re
from pathlib import Path

import pytest

from tests.documents import pages

LINK = re.compile(r"\[[^]\n]*(?:\n[^]\n]*)?]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
TOP = ("study", "models", "analysis", "search_spaces", "uncollapse", "tests", "docs", "examples")
PATH = re.compile(rf"`((?:{'|'.join(TOP)})/[\w./-]*|\w+\.(?:cff|txt|toml)|Makefile|mkdocs\.yml|ray_\w+\.yaml)`")
IMAGINED = {"models/latents/mine.py", "train.txt", "test.txt", "valid.txt"}  # a reader's own


def links(path: Path) -> list[str]:
    return [link for link in LINK.findall(pages.without_blocks(path)) if "://" not in link]


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and mkdocs make them."""
    headings = HEADING.findall(pages.FENCE.sub("", pages.text(path)))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def broken(path: Path) -> list[str]:
    """The links of a page that lead nowhere."""
    found = []
    for link in links(path):
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        if not target.exists() or (anchor and anchor not in anchors(target)):
            found.append(link)
    return found


@pytest.mark.parametrize("path", pages.paths(), ids=pages.name)
def test_links_and_their_anchors_lead_somewhere(path: Path) -> None:
    assert broken(path) == []


def test_a_link_that_leads_nowhere_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Is it here?\n[a](page.md#is-it-here) [b](page.md#there) [c](gone.md) ![d](#is-it-here)\n")
    assert broken(page) == ["page.md#there", "gone.md"]


def test_every_page_of_docs_is_in_the_index_and_on_the_site() -> None:
    index, site = links(pages.ROOT / "docs" / "index.md"), pages.text(pages.ROOT / "mkdocs.yml")
    names = {path.name for path in (pages.ROOT / "docs").glob("*.md")} - {"index.md"}
    assert names == set(index)
    assert [name for name in names if f": {name}\n" not in site] == []


@pytest.mark.parametrize("path", pages.paths(), ids=pages.name)
def test_paths_that_a_page_names_are_there(path: Path) -> None:
    named = set(PATH.findall(pages.without_blocks(path))) - IMAGINED
    assert sorted(one for one in named if not (pages.ROOT / one).exists()) == []


def test_paths_are_named_at_all() -> None:
    assert len(PATH.findall(pages.without_blocks(pages.ROOT / "docs" / "design.md"))) > 5
