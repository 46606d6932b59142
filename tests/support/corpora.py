"""Baselines for corpora, each a few lines of numpy, independent of the code under test."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.support.places import DATA

needs_shared = pytest.mark.skipif(not DATA.is_dir(), reason="the shared corpora are not beside the project")


def write(path: Path, text: str) -> Path:
    """Write text as it is, line ends included."""
    path.write_bytes(text.encode())
    return path


def unigram(train: Iterable[Sequence], test: Sequence[Sequence], end: bool) -> tuple[float, float]:
    """NLL a sentence and perplexity of an add-one unigram model over the types of its training text."""
    train = list(train)
    counts = Counter(word for words in train for word in words)
    seen = Counter(word for words in test for word in words)
    if end:
        counts["</s>"], seen["</s>"] = len(train), len(test)
    total = sum(counts.values()) + len(counts)
    nll = -sum(n * math.log((counts[word] + 1) / total) for word, n in seen.items())
    return nll / len(test), math.exp(nll / sum(seen.values()))


def bags(texts: Sequence[str], without: frozenset[str] = frozenset()) -> np.ndarray:
    """Word counts (N, V) of texts."""
    words = sorted({word for text in texts for word in text.split()} - without)
    column = {word: i for i, word in enumerate(words)}
    table = np.zeros((len(texts), len(words)))
    for row, text in enumerate(texts):
        for word in text.split():
            if word in column:
                table[row, column[word]] += 1
    return table


def naive_bayes(bag: np.ndarray, labels: Sequence[str]) -> float:
    """Accuracy of multinomial naive Bayes, trained on four fifths and scored on the rest."""
    truth = np.asarray(labels)
    cut = len(truth) * 4 // 5
    classes = np.unique(truth)
    counts = np.stack([bag[:cut][truth[:cut] == name].sum(0) + 1 for name in classes])
    scores = bag[cut:] @ np.log(counts / counts.sum(1, keepdims=True)).T
    return float((classes[scores.argmax(1)] == truth[cut:]).mean())


def class_kl(tokens: Sequence[Sequence[int]], labels: Sequence[int], classes: int) -> float:
    """Mean of KL(P_a || P_b) over ordered pairs of classes, add-one over the words that occur."""
    counts = np.zeros((classes, max(max(words) for words in tokens) + 1))
    for words, label in zip(tokens, labels, strict=True):
        np.add.at(counts[label], np.asarray(words), 1)
    counts = counts[:, counts.sum(0) > 0] + 1
    log_p = np.log(counts / counts.sum(1, keepdims=True))
    cross = np.exp(log_p) @ log_p.T
    kl = np.diag(cross)[:, None] - cross
    return float(kl[~np.eye(classes, dtype=bool)].mean())
