"""From a prepared corpus to what a model knows of it."""

from uncollapse.models.corpus_info import Lexicon
from uncollapse.study.corpora.corpus import Corpus


def lexicon_of(corpus: Corpus) -> Lexicon:
    """Words, classes and word vectors of a corpus."""
    vectors, known = corpus.vectors() or (None, None)
    return Lexicon(len(corpus.vocabulary), corpus.vocabulary, len(corpus.classes), vectors, known)
