"""From a prepared corpus to what a model knows of it."""

from uncollapse.models.corpus_info import CorpusInfo
from uncollapse.study.corpora.corpus import Corpus


def corpus_info_of(corpus: Corpus) -> CorpusInfo:
    """Words, classes and word vectors of a corpus."""
    vectors, known = corpus.vectors() or (None, None)
    return CorpusInfo(len(corpus.vocabulary), corpus.vocabulary, len(corpus.classes), vectors, known)
