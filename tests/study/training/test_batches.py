"""Batches: every sentence once, similar lengths together, the same for the same seed."""

import itertools

import numpy as np
import pytest

from tests.support import models
from uncollapse.models.batch import EOS, PAD, Batch
from uncollapse.study.corpora.corpus import Split
from uncollapse.study.training import batches


def sentences(words: Batch) -> list[tuple[int, ...]]:
    return [tuple(row[:length].tolist()) for row, length in zip(words.tokens, words.lengths, strict=True)]


def all_of(split: Split) -> list[tuple[int, ...]]:
    return sorted((*split[row].tolist(), EOS) for row in range(len(split)))


def test_a_batch_is_words_then_eos_then_padding() -> None:
    split = Split(np.array([7, 8, 9, 5, 6], dtype=np.int32), np.array([0, 3, 3, 5]))
    words = batches.batch_of(split, np.array([2, 0, 1]))
    assert words.tokens.tolist() == [[5, 6, EOS, PAD], [7, 8, 9, EOS], [EOS, PAD, PAD, PAD]]
    assert words.lengths.tolist() == [3, 4, 1]


@pytest.mark.parametrize(("count", "size"), [(50, 16), (48, 16), (1, 16), (7, 1), (230, 3), (300, 2), (301, 3)])
def test_an_epoch_has_every_sentence_once_in_the_promised_number_of_batches(count: int, size: int) -> None:
    split = models.split(count)
    found = list(batches.training_batches(split, size, np.random.default_rng(0)))
    assert len(found) == batches.updates_per_epoch(count, size)
    assert max(len(words.tokens) for words in found) <= size
    assert sorted(row for words in found for row in sentences(words)) == all_of(split)


def test_order_follows_the_generator() -> None:
    split = models.split(60)
    first, same, other = (
        [words.tokens.tolist() for words in batches.training_batches(split, 8, np.random.default_rng(seed))]
        for seed in (1, 1, 2)
    )
    assert first == same != other
    lengths = [len(tokens[0]) for tokens in first]
    assert lengths != sorted(lengths)


def padding(words: Batch) -> float:
    return 1 - words.mask.double().mean().item()


def test_sentences_of_similar_length_share_a_batch() -> None:
    split = models.split(600, longest=30)
    bucketed = batches.training_batches(split, 20, np.random.default_rng(0))
    assert np.mean([padding(words) for words in bucketed]) < 0.05
    assert np.mean([padding(words) for words in batches.evaluation_batches(split, 20)]) > 0.3


def test_evaluation_covers_the_split_or_a_fixed_part_of_it() -> None:
    split = models.split(50)
    whole = [row for words in batches.evaluation_batches(split, 16) for row in sentences(words)]
    assert sorted(whole) == all_of(split)
    part = [row for words in batches.evaluation_batches(split, 16, 20) for row in sentences(words)]
    assert part == whole[:20]
    assert len(batches.evaluation_batches(split, 16, 999)) == 4


def test_neighbours_of_an_evaluation_are_strangers() -> None:
    """A corpus often lists alike sentences one after another; a gain over one's neighbour would then say little."""
    split = Split(np.arange(4, 104, dtype=np.int32), np.arange(101))
    order = [int(words) for batch in batches.evaluation_batches(split, 16) for words in batch.tokens[:, 0]]
    beside = sum(abs(one - other) == 1 for one, other in itertools.pairwise(order))
    assert beside < 10


def test_no_sentence_is_measured_without_a_stranger_beside_it() -> None:
    assert min(len(words.tokens) for words in batches.evaluation_batches(models.split(65), 64)) >= 2
