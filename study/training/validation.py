"""The validation split in two: sentences that choose, and sentences on which is reported (law 4)."""

from typing import NamedTuple

import numpy as np

from uncollapse.study.corpora.corpus import Corpus, Split
from uncollapse.study.errors import UserError

LEAST = 4  # sentences: two that choose and two that report, since a code is compared with another sentence's


class Validation(NamedTuple):
    """The two parts of a validation split, which share no sentence.

    choosing: early stopping, the best epoch, the learning rate and the search see these alone.
    reporting: confirmation runs and the final training are measured on these.
    """

    choosing: Split
    reporting: Split


def refuse_few(corpus: Corpus) -> None:
    """Raise UserError where a corpus has too few validation sentences for both parts."""
    if (size := len(corpus.split("valid"))) < LEAST:
        raise UserError(
            f"corpus {corpus.name}: a study needs at least {LEAST} validation sentences, half of which choose and half "
            f"of which report, and this has {size}; give it more text, or a larger corpus.splits.valid"
        )


def cut(valid: Split, sentences: int, seed: int) -> Validation:
    """So many sentences to choose by, half of the split at most, drawn with `seed`; the rest report."""
    order = np.random.default_rng(seed).permutation(len(valid))
    size = choosing_size(len(valid), sentences)
    return Validation(valid.take(np.sort(order[:size])), valid.take(np.sort(order[size:])))


def choosing_size(whole: int, sentences: int) -> int:
    """How many sentences of a validation split choose."""
    return min(sentences, whole // 2)
