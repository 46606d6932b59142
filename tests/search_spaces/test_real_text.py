"""Every page on generated sentences and on a slice of the Penn Treebank, at a small size."""

import numpy as np
import pytest
import torch

from tests.support import models
from tests.support.places import DATA
from uncollapse.models.batch import Batch
from uncollapse.models.conformance.model import EVERY, Check
from uncollapse.models.corpus_info import CorpusInfo
from uncollapse.study.corpora.prepare import prepare
from uncollapse.study.training.batches import batch_of
from uncollapse.study.training.corpus_info import corpus_info_of

CORPORA = {
    "cafes": {"name": "cafes", "sentences": 400},
    "ptb": {"path": "ptb", "format": "lines", "vocabulary": 500, "max_words": 15, "limit": {"train": 400}},
}


@pytest.fixture(scope="module", params=CORPORA)
def text(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[CorpusInfo, Batch]:
    """A corpus info and eight sentences of unequal lengths."""
    if request.param != "cafes" and not DATA.is_dir():
        pytest.skip("needs ../shared/data, which a clone does not have")
    corpus = prepare(CORPORA[request.param], tmp_path_factory.mktemp("corpora"), DATA)
    batch = batch_of(corpus.split("train"), np.arange(8))
    corpus_info = corpus_info_of(corpus)
    if batch.labels is None:  # pages that read classes find some here
        corpus_info = CorpusInfo(corpus_info.size, corpus_info.words, models.CLASSES)
        batch = Batch(batch.tokens, batch.lengths, torch.arange(8) % models.CLASSES)
    return corpus_info, batch


@pytest.mark.parametrize("check", EVERY, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", models.EVERY)
def test_the_page_passes(name: str, check: Check, text: tuple[CorpusInfo, Batch]) -> None:
    corpus_info, words = text
    check(models.configuration(name), models.model(name, corpus_info=corpus_info), words)
