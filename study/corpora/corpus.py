"""A prepared corpus: words as numbers in flat arrays, mapped from disk and shared without copying.

Shapes: N sentences, n_i words in sentence i, V words in the vocabulary.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from uncollapse.study.corpora.cleaning import words_of
from uncollapse.study.corpora.settings import BOS, EOS, PAD, SPLITS, UNK, Cleaning
from uncollapse.study.corpora.subwords import joined
from uncollapse.study.errors import UserError


@dataclass(frozen=True, eq=False)
class Split:
    """The N sentences of one split.

    Args:
        tokens: int32 (sum n_i,), word ids without BOS and EOS, sentences one after another.
        offsets: int64 (N + 1,), sentence i is tokens[offsets[i]:offsets[i + 1]].
        labels: int16 (N,), indices of the corpus's classes, or None.
    """

    tokens: np.ndarray
    offsets: np.ndarray
    labels: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, number: int) -> np.ndarray:
        """Word ids of one sentence, (n_i,)."""
        if not 0 <= number < len(self):
            raise IndexError(f"sentence {number} of {len(self)}")
        return self.tokens[self.offsets[number] : self.offsets[number + 1]]

    def take(self, rows: np.ndarray) -> "Split":
        """The sentences `rows` (M,), in this order, copied."""
        places = [np.arange(self.offsets[row], self.offsets[row + 1]) for row in rows]
        tokens = self.tokens[np.concatenate(places)] if places else self.tokens[:0]
        offsets = np.concatenate([[0], np.cumsum(self.lengths[rows])]).astype(self.offsets.dtype)
        return Split(tokens, offsets, None if self.labels is None else self.labels[rows])

    @cached_property  # asked for by every batch
    def lengths(self) -> np.ndarray:
        """Words of each sentence, int64 (N,), EOS not counted."""
        return np.diff(self.offsets)


class Encoded(NamedTuple):
    """A sentence as word ids, EOS not among them, and its words that the vocabulary lacks."""

    ids: np.ndarray
    unknown: list[str]


@dataclass(frozen=True)
class Corpus:
    """A corpus in the cache; a split is mapped into memory when it is asked for and not before.

    Args:
        name: what the user calls it.
        digest: 16 hexadecimal digits of the content and its preparation.
        vocabulary: V words, the index is the id; the first four are the specials.
        classes: names of the labels; empty without labels.
        ordered: False for counts, whose words stand in the order of their ids.
        facts: what was read, dropped and made, ready for JSON.
        folder: the cache entry.
        cleaning: how a text became words; None for counts.
        learned: what the tokenizer learned from the training split, if it learns.
    """

    name: str
    digest: str
    vocabulary: tuple[str, ...] = field(repr=False)
    classes: tuple[str, ...]
    ordered: bool
    facts: Mapping[str, Any] = field(repr=False, hash=False)
    folder: Path
    cleaning: Cleaning | None = field(default=None, repr=False)
    learned: str | None = field(default=None, repr=False, hash=False)

    def split(self, name: str) -> Split:
        """The split called train, valid or test."""
        self._known(name)
        labels = self._map(name, "labels") if self.classes else None
        return Split(self._map(name, "tokens"), self._map(name, "offsets"), labels)

    def factors(self, name: str) -> dict[str, np.ndarray] | None:
        """Generating factors of a split's sentences, each (N,) of strings; None where the text was not generated."""
        self._known(name)
        path = self.folder / f"{name}.factors.npz"
        if not path.exists():
            return None
        with np.load(path, allow_pickle=False) as table:
            return {factor: table[factor] for factor in table.files}

    def sentence(self, ids: Iterable[int]) -> str:
        """The words of `ids` up to the first EOS, without PAD and BOS."""
        words = []
        for number in ids:
            if number == EOS:
                break
            if number not in (PAD, BOS):
                words.append(self.vocabulary[int(number)])
        return " ".join(words) if self.learned is None else joined(words)

    def encode(self, text: str) -> Encoded:
        """A new sentence as ids, cleaned and split as the corpus was; errors as in `encode_all`."""
        return self.encode_all([text])[0]

    def encode_all(self, texts: Sequence[str]) -> list[Encoded]:
        """New sentences as ids.

        Raises:
            UserError: the corpus was given as counts, which no text can be made into.
        """
        if self.cleaning is None:
            raise UserError(f"corpus {self.name}: word counts say nothing of how a text is split; give a text corpus")
        ids = {word: number for number, word in enumerate(self.vocabulary)}
        found = []
        for words in words_of(texts, self.cleaning, lambda sentence: None, self.learned):
            numbers = np.array([ids.get(word, UNK) for word in words], np.int32)
            found.append(Encoded(numbers, [word for word in words if ids.get(word, UNK) == UNK]))
        return found

    def vectors(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Word vectors (V, E) and which words have one (V,), mapped from disk; None where none were named."""
        if not (self.folder / "vectors.npy").exists():
            return None
        return (
            np.load(self.folder / "vectors.npy", mmap_mode="r", allow_pickle=False),
            np.load(self.folder / "known.npy", allow_pickle=False),
        )

    def _map(self, name: str, part: str) -> np.ndarray:
        array = np.load(self.folder / f"{name}.{part}.npy", mmap_mode="r", allow_pickle=False)
        return np.asarray(array)

    @staticmethod
    def _known(name: str) -> None:
        if name not in SPLITS:
            raise ValueError(f"a split is one of {', '.join(SPLITS)}, found {name!r}")
