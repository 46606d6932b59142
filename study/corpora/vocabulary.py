"""From words to ids: the vocabulary of the training split, the arrays of every split, and what was counted."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

import numpy as np

from uncollapse.study.corpora.settings import BOS, EOS, PAD, SPECIALS, UNK
from uncollapse.study.errors import UserError

Words = Sequence[Sequence[str]]


def vocabulary_of(train: Words, unknown: str, size: int | None, others: Iterable[str] = ()) -> tuple[str, ...]:
    """The four specials and the `size` most frequent training words; equally frequent ones by alphabet.

    `others` are words that count even where no training sentence has them.
    """
    counts = Counter(chain.from_iterable(train))
    counts.update(dict.fromkeys(others, 0))
    for word in (unknown, SPECIALS[UNK]):
        counts.pop(word, None)
    ranked = sorted(counts, key=lambda word: (-counts[word], word))
    return (*SPECIALS, *ranked[:size])


def refuse_reserved(words: Words, split: str) -> None:
    """Refuse texts that hold a word with a meaning of its own here, which would silently end or pad sentences."""
    used = set(chain.from_iterable(words)) & {SPECIALS[i] for i in (PAD, BOS, EOS)}
    if used:
        found = f"{split} has {', '.join(sorted(used))}"
        raise UserError(f"corpus: {found}, which this program adds by itself; take such words out of the text")


def indexed(words: Words, vocabulary: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Ids of all words, int32 (sum n_i,), and offsets of the sentences, int64 (N + 1,)."""
    ids = {word: number for number, word in enumerate(vocabulary)}
    lengths = np.fromiter(map(len, words), np.int64, len(words))
    tokens = np.fromiter((ids.get(word, UNK) for word in chain.from_iterable(words)), np.int32, int(lengths.sum()))
    return tokens, np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])


def class_names(labels: Iterable[str]) -> tuple[str, ...]:
    """The distinct labels, by number if all are numbers, else by alphabet."""
    names = set(labels)
    numeric = all(name.isdecimal() for name in names)
    return tuple(sorted(names, key=lambda name: (int(name) if numeric else 0, name)))


def counted(tokens: np.ndarray, offsets: np.ndarray, marked: int) -> dict[str, Any]:
    """What a report says about one split; `marked` words were unknown in the source already."""
    lengths = np.diff(offsets)
    unknown = int((tokens == UNK).sum())
    return {
        "sentences": len(lengths),
        "words": len(tokens),
        "unknown": unknown,
        "unknown_in_source": marked,
        "unknown_share": unknown / len(tokens),
        "mean_words": float(lengths.mean()),
        "min_words": int(lengths.min()),
        "max_words": int(lengths.max()),
    }


def marked_unknown(words: Words, marks: set[str]) -> int:
    """How many words the source itself marked as unknown."""
    return sum(word in marks for word in chain.from_iterable(words))
