"""What a model knows of its corpus before it has read a sentence. Shapes: V vocabulary, E embedding."""

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, eq=False)
class CorpusInfo:
    """The words of a corpus, the classes of its sentences, and word vectors from elsewhere.

    Args:
        size: V, specials included.
        words: the V words, the index is the id; empty where no component asks for them.
        classes: of the sentences; 0 without labels.
        vectors: (V, E) float32, word vectors by path, or None.
        known: (V,) true where `vectors` has the word.
    """

    size: int
    words: tuple[str, ...] = field(default=(), repr=False)
    classes: int = 0
    vectors: np.ndarray | None = field(default=None, repr=False)
    known: np.ndarray | None = field(default=None, repr=False)
