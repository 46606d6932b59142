"""The KL between the words of classes, against SciPy and the DBpedia figure."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import entropy

from tests.support.corpora import needs_shared
from tests.support.places import DATA
from uncollapse.models.measures.words import class_kl, class_kls


def corpus(shares: list[list[float]], sentences: int, words: int) -> tuple[Any, Any, Any]:
    """Sentences of so many words, the classes by turns, each class's words drawn from its shares."""
    random = np.random.default_rng(0)
    labels = np.arange(sentences) % len(shares)
    tokens = np.concatenate([random.choice(len(shares[c]), words, p=shares[c]) for c in labels])
    return tokens, np.arange(sentences + 1) * words, labels


def test_it_is_the_formula() -> None:
    tokens, offsets, labels = corpus([[0.7, 0.1, 0.1, 0.1], [0.1, 0.2, 0.3, 0.4], [0.25] * 4], 30, 7)
    tokens = tokens * 1_000 + 17  # ids are names: those that do not occur are no types
    counts = np.zeros((3, 4))
    for i, label in enumerate(labels):
        for word in tokens[offsets[i] : offsets[i + 1]]:
            counts[label, (word - 17) // 1_000] += 1
    found = class_kls(tokens, offsets, labels, 3)
    for a in range(3):
        for b in range(3):
            assert found[a, b] == pytest.approx(entropy(counts[a] + 1, counts[b] + 1), abs=1e-12)
    assert class_kl(tokens, offsets, labels, 3) == pytest.approx(found.sum() / 6)


def test_many_words_come_close_to_the_true_kl() -> None:
    shares = [[0.5, 0.3, 0.2], [0.2, 0.3, 0.5]]
    expected = (entropy(shares[0], shares[1]) + entropy(shares[1], shares[0])) / 2
    assert class_kl(*corpus(shares, 2_000, 20), 2) == pytest.approx(expected, abs=0.01)


def test_classes_of_the_same_words_have_no_kl() -> None:
    tokens = np.tile([3, 5, 5, 8], 6)
    assert class_kl(tokens, np.arange(7) * 4, np.arange(6) % 3, 3) == pytest.approx(0, abs=1e-12)


def test_random_labels_leave_little_beside_the_noise_of_counts() -> None:
    """About (V - 1) / M_c for two classes of M_c words each: half of it from either's counts."""
    tokens, offsets, _ = corpus([[0.1] * 10], 400, 50)
    labels = np.random.default_rng(1).permutation(np.arange(400) % 2)
    assert 0 < class_kl(tokens, offsets, labels, 2) < 4 * 9 / 10_000


def test_disjoint_words_are_as_far_apart_as_smoothing_lets_them() -> None:
    """Adversarial: 100 times one word in either class."""
    found = class_kl(np.repeat([0, 1], 100), np.array([0, 100, 200]), np.array([0, 1]), 2)
    assert found == pytest.approx(entropy([101, 1], [1, 101]))


def test_labels_may_be_small_integers_of_a_mapped_corpus() -> None:
    tokens, offsets, labels = corpus([[0.5, 0.5], [0.9, 0.1]], 300, 300)
    small = class_kl(tokens.astype(np.int32), offsets, labels.astype(np.int16), 2)
    assert small == class_kl(tokens, offsets, labels, 2)


@pytest.mark.parametrize(
    ("offsets", "labels", "classes", "what"),
    [
        ([0, 2, 4], [0, 1], 1, "two classes"),
        ([0, 2, 4], [0, 1], 3, r"classes \[2\] have none"),
        ([0, 2, 4], [0, 2], 2, "from 0 to 1"),
        ([0, 2, 5], [0, 1], 2, "Offsets"),
        ([0, 4], [0, 1], 2, "Offsets"),
    ],
)
def test_what_does_not_fit_is_refused(offsets: list[int], labels: list[int], classes: int, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        class_kl(np.arange(4), np.array(offsets), np.array(labels), classes)


@needs_shared
def test_dbpedia() -> None:
    texts = (DATA / "dbpedia" / "test.txt").read_text(encoding="utf-8").splitlines()
    labels = np.array((DATA / "dbpedia" / "test_class_label.txt").read_text().split(), dtype=np.int16)
    number: dict[str, int] = {}
    rows = [[number.setdefault(word, len(number)) for word in text.split()] for text in texts]
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
    assert class_kl(np.concatenate(rows), offsets, labels, 14) == pytest.approx(0.828, abs=5e-4)
