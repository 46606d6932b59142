"""YAML blocks and numbered examples, read by the product's own readers: study pages whole or in part, corpora, families."""

import re
from pathlib import Path

import pytest

from tests.documents import pages
from uncollapse.search_spaces import page_yaml
from uncollapse.study.config import families, study_page
from uncollapse.study.corpora import section
from uncollapse.study.errors import UserError

BLOCKS = [block for block in pages.every_block("yaml") if block.runs]
EXAMPLES = [  # the sixth needs its package installed, as the tests of components from outside have it
    path
    for path in sorted((pages.ROOT / "examples").rglob("*.yaml"))
    if re.search(r"/0[1-5]_[^/]*(/|$)", path.as_posix())
]
STUDY = {"study": "documented", "corpus": {"name": "cafes"}, "families": ["seqvae"]}
NAMED = (  # files that the documents' corpora are made of; the reader of a section looks whether they are there
    *("data/ptb/train.txt", "data/20ng/train.feat", "data/20ng/test.feat", "data/20ng/vocab.new"),
    *("data/e2e/trainset.csv", "data/e2e/devset.csv", "data/e2e/testset_w_refs.csv"),
    *(f"data/dbpedia/{split}{kind}.txt" for split in ("valid", "test") for kind in ("", "_class_label")),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the documents' reader stands: with the corpora and the family page that they speak of."""
    for name in NAMED:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    family = next(block.body for block in BLOCKS if block.body.startswith("# wide_vmf.yaml"))
    (tmp_path / "my_pages").mkdir()
    (tmp_path / "my_pages" / "wide_vmf.yaml").write_text(family)
    return tmp_path


def read(text: str, folder: Path) -> str:
    """What a page is, once the product has accepted it; keys of a study stand in the smallest study."""
    path = folder / "documented.yaml"
    path.write_text(text)
    page = page_yaml.load(path)
    if "base" in page:
        return families.load(path.name, folder).title
    study = study_page.parse({**STUDY, **page}, folder, path.name)
    section.parse(study.corpus, folder)
    return study.name


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.place)
def test_a_block_is_accepted(block: pages.Block, folder: Path) -> None:
    assert read(block.body, folder)


def test_there_are_blocks_and_examples() -> None:
    assert len(BLOCKS) > 10
    assert len(EXAMPLES) >= 5


def test_what_is_refused_is_seen(folder: Path) -> None:
    for text in ("latent: {kind: vmf}", "search: {trails: 3}", "corpus: {path: data/gone}", "base: {latent: {}}"):
        with pytest.raises(UserError):
            read(text, folder)


@pytest.mark.parametrize("path", EXAMPLES, ids=pages.name)
def test_a_numbered_example_is_sound(path: Path) -> None:
    if "base" in page_yaml.load(path):
        assert families.load(path.name, path.parent).search
    else:
        assert section.parse(study_page.load(path).corpus, path.parent)
