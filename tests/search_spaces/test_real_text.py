"""Every page on generated sentences and on a slice of the Penn Treebank, at a small size."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from models.batch import Batch
from models.lexicon import Lexicon
from models.text_vae import TextVAE
from study.batches import batch_of
from study.corpora.prepare import prepare
from study.lexicons import lexicon_of
from tests import pages
from tests.search_spaces import checks

SHARED = Path(__file__).parents[3] / "shared" / "data"
CORPORA = {
    "cafes": {"name": "cafes", "sentences": 400},
    "ptb": {"path": "ptb", "format": "lines", "vocabulary": 500, "max_words": 15, "limit": {"train": 400}},
}


@pytest.fixture(scope="module", params=CORPORA)
def text(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Lexicon, Batch]:
    """A lexicon and eight sentences of unequal lengths."""
    if request.param != "cafes" and not SHARED.is_dir():
        pytest.skip("needs ../shared/data, which a clone does not have")
    corpus = prepare(CORPORA[request.param], tmp_path_factory.mktemp("corpora"), SHARED)
    batch = batch_of(corpus.split("train"), np.arange(8))
    lexicon = lexicon_of(corpus)
    if batch.labels is None:  # pages that read classes find some here
        lexicon = Lexicon(lexicon.size, lexicon.words, pages.CLASSES)
        batch = Batch(batch.tokens, batch.lengths, torch.arange(8) % pages.CLASSES)
    return lexicon, batch


@pytest.mark.parametrize("check", checks.EVERY, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", pages.EVERY)
def test_the_page_passes(name: str, check: Callable[[str, TextVAE, Batch], None], text: tuple[Lexicon, Batch]) -> None:
    lexicon, words = text
    check(name, pages.model(name, lexicon=lexicon), words)
