"""A task's texts as the model's own words. Shapes: N sentences or pairs; M of a selection."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from uncollapse.models.batch import EOS, UNK
from uncollapse.models.text_vae import TextVAE
from uncollapse.study.corpora.corpus import Corpus, Split
from uncollapse.study.transfer.splits import Part

WHOLE, TRAIN = "whole", "train"


@dataclass(frozen=True)
class Material:
    """All parts of a task, one after another.

    Args:
        sentences: the N sentences, or the first of each pair.
        partners: the second of each pair, or None.
        joined: each pair as one sentence, EOS between the two, or None.
        gold: (N,) classes or grades.
        rows: of each part.
        facts: what a reader of figures must know: counts, the share of words that the model does not know, and how
            many sentences were cut.
    """

    sentences: Split
    partners: Split | None
    joined: Split | None
    gold: np.ndarray
    rows: Mapping[str, np.ndarray]
    facts: Mapping[str, Any]

    @property
    def pairs(self) -> bool:
        return self.partners is not None

    def turns(self, folds: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Rows to learn from and rows to be asked about; where the files have no split, folds with equal classes."""
        if WHOLE not in self.rows:
            asked = [rows for name, rows in self.rows.items() if name != TRAIN]
            yield self.rows[TRAIN], np.concatenate(asked)
            return
        fold = np.empty(len(self.gold), np.int64)
        random = np.random.default_rng(seed)
        for value in np.unique(self.gold):
            rows = random.permutation(np.flatnonzero(self.gold == value))
            fold[rows] = np.arange(len(rows)) % folds
        for number in range(folds):
            yield np.flatnonzero(fold != number), np.flatnonzero(fold == number)

    def only(self, part: str) -> "Material":
        """One part of a task of pairs."""
        assert self.partners is not None, "a question about pairs"
        rows = self.rows[part]
        first, second = (split_of([side[row] for row in rows]) for side in (self.sentences, self.partners))
        return Material(first, second, None, self.gold[rows], {part: np.arange(len(rows))}, self.facts)

    @property
    def judged(self) -> dict[str, np.ndarray]:
        """Rows of each part that is asked about: `test`, which folds make up too, and `dev` where there is one."""
        found = {("test" if name == WHOLE else name): rows for name, rows in self.rows.items() if name != TRAIN}
        return {name: found[name] for name in sorted(found, reverse=True)}


class Reader:
    """Turns texts into the words of a model, as its corpus was prepared.

    A model whose encoder reads any word, as BERT does, is taught those that the corpus lacks; they are `<unk>` to all
    others.

    Args:
        corpus: the model's.
        model: the model.
        longest: words of a sentence that are kept.
    """

    def __init__(self, corpus: Corpus, model: TextVAE, longest: int) -> None:
        self.corpus, self.model, self.longest = corpus, model, longest
        self.taught: dict[str, int] = {}

    def material(self, parts: Mapping[str, Part]) -> Material:
        """Encode the parts of a task."""
        ends = np.cumsum([0, *(len(part) for part in parts.values())])
        rows = {name: np.arange(ends[at], ends[at + 1]) for at, name in enumerate(parts)}
        encoded = self._ids([text for part in parts.values() for text in part.first])
        kept, facts = self._kept(encoded), self._facts(encoded)
        gold = np.concatenate([part.gold for part in parts.values()])
        facts |= {name: len(part) for name, part in parts.items()}
        if any(part.second is None for part in parts.values()):
            return Material(split_of(kept), None, None, gold, rows, facts)
        others = self._ids([text for part in parts.values() for text in part.second or ()])
        facts |= self._facts([*encoded, *others])
        seconds = self._kept(others)
        joined = [np.concatenate([a, [EOS], b]).astype(np.int32) for a, b in zip(kept, seconds, strict=True)]
        return Material(split_of(kept), split_of(seconds), split_of(joined), gold, rows, facts)

    def _ids(self, texts: Sequence[str]) -> list[np.ndarray]:
        if not hasattr(self.model.encoder, "know"):
            return [one.ids for one in self.corpus.encode_all(texts)]
        found = self.corpus.encode_all(texts)
        new = dict.fromkeys(word for one in found for word in one.unknown if word not in self.taught)
        first = len(self.corpus.vocabulary) + len(self.taught)
        self.taught |= {word: first + at for at, word in enumerate(new)}
        if new:
            self.model.encoder.know(tuple(new))
        return [self._with_taught(one.ids, one.unknown) for one in found]

    def _with_taught(self, ids: np.ndarray, unknown: Sequence[str]) -> np.ndarray:
        known = ids.copy()
        known[ids == UNK] = [self.taught[word] for word in unknown]
        return known

    def _kept(self, ids: Sequence[np.ndarray]) -> list[np.ndarray]:
        return [one[: self.longest] for one in ids]

    def _facts(self, ids: Sequence[np.ndarray]) -> dict[str, Any]:
        words, unknown = sum(map(len, ids)), sum(int((one == UNK).sum()) for one in ids)
        cut = sum(len(one) > self.longest for one in ids)
        return {"words": words, "unknown_share": unknown / max(words, 1), "cut": cut}


def split_of(sentences: Sequence[np.ndarray], labels: np.ndarray | None = None) -> Split:
    """Sentences as a corpus's arrays."""
    offsets = np.cumsum([0, *map(len, sentences)], dtype=np.int64)
    return Split(np.concatenate([*sentences, np.empty(0, np.int32)]).astype(np.int32), offsets, labels)
