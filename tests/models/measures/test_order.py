"""Words in another order: the same words, the same lengths. Shapes: B sentences, T steps."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tests.support.statistics import assert_mean
from uncollapse.models.batch import EOS, PAD, Batch
from uncollapse.models.measures.order import shuffled, swapped, swapped_anywhere

Reorder = Callable[[Batch, torch.Generator], Tensor]


def swap(batch: Batch, generator: torch.Generator, probability: float = 0.5) -> Tensor:
    return swapped(batch, probability, generator)


def swap_anywhere(batch: Batch, generator: torch.Generator, probability: float = 0.5) -> Tensor:
    return swapped_anywhere(batch, probability, generator)


EVERY = pytest.mark.parametrize("reorder", [shuffled, swap, swap_anywhere])


def numbered(lengths: list[int], columns: int | None = None) -> Batch:
    """Sentences of distinct words 4, 5, ...; lengths count EOS."""
    tokens = torch.full((len(lengths), columns or max(lengths)), PAD)
    for row, length in enumerate(lengths):
        tokens[row, : length - 1] = torch.arange(4, 3 + length)
        tokens[row, length - 1] = EOS
    return Batch(tokens, torch.tensor(lengths))


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@EVERY
@pytest.mark.parametrize("seed", range(20))
def test_every_sentence_keeps_its_words_its_eos_and_its_padding(reorder: Reorder, seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, 12, (7,), generator=random).tolist()
    batch = numbered(lengths, columns=max(lengths) + seed % 3)
    doubled = batch.reading(torch.where(batch.words, 4 + batch.tokens % 3, batch.tokens))  # words may repeat
    for read in (batch, doubled):
        found = reorder(read, seeded(seed))
        assert torch.equal(found[~batch.words], read.tokens[~batch.words])
        for row in range(7):
            words = batch.words[row]
            assert found[row][words].sort().values.tolist() == read.tokens[row][words].sort().values.tolist()


@EVERY
def test_it_is_the_same_for_the_same_seed_and_changes_nothing_else(reorder: Reorder) -> None:
    batch, state = numbered([9, 12, 4]), torch.get_rng_state()
    before = batch.tokens.clone()
    first, second, third = (reorder(batch, seeded(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, second)
    assert not torch.equal(first, third)
    assert torch.equal(batch.tokens, before)
    assert torch.equal(torch.get_rng_state(), state)


@EVERY
def test_sentences_of_one_word_or_none_stay(reorder: Reorder) -> None:
    batch = numbered([1, 2, 2, 1])
    assert torch.equal(reorder(batch, seeded()), batch.tokens)
    assert torch.equal(reorder(numbered([1, 1]), seeded()), numbered([1, 1]).tokens)


def test_every_order_of_three_words_is_as_likely() -> None:
    found = shuffled(numbered([4] * 6_000), seeded())[:, :3]
    codes = (found - 4) @ torch.tensor([9, 3, 1])
    shares = torch.stack([(codes == code).double() for code in codes.unique()], 1)
    assert shares.shape[1] == 6
    assert_mean(shares, 1 / 6)


@pytest.mark.parametrize("probability", [0.1, 0.6])
def test_pairs_are_disjoint_and_swapped_with_their_probability(probability: float) -> None:
    batch = numbered([8] * 4_000)  # seven words: three pairs, and one left over
    found = swap(batch, seeded(), probability)
    pairs = found[:, :6].view(-1, 3, 2) - batch.tokens[:, :6].view(-1, 3, 2)
    moved = pairs[..., 0] == 1
    assert torch.equal(pairs[..., 0], -pairs[..., 1])
    assert torch.equal(moved.long(), pairs[..., 0])
    assert torch.equal(found[:, 6:], batch.tokens[:, 6:])
    assert_mean(moved.double(), probability)
    agree = (moved[:, 0] == moved[:, 1]).double()
    assert_mean(agree, probability**2 + (1 - probability) ** 2)  # the pairs are independent


@pytest.mark.parametrize("move", [swap, swap_anywhere])
def test_probability_zero_moves_nothing(move: Callable[..., Tensor]) -> None:
    batch = numbered([9, 5, 12])
    assert torch.equal(move(batch, seeded(), 0.0), batch.tokens)


def test_probability_one_swaps_every_pair() -> None:
    assert swap(numbered([6, 5]), seeded(), 1.0).tolist() == [[5, 4, 7, 6, 8, EOS], [5, 4, 7, 6, EOS, PAD]]


def test_words_swapped_anywhere_go_far() -> None:
    """A word in ten draws a partner, of twenty: the sentences that stay as they are number (1 - 0.1 * 19 / 20)^20."""
    batch = numbered([21] * 4_000)
    found = swap_anywhere(batch, seeded(), 0.1)
    distance = (found - batch.tokens).abs()[:, :20]
    assert int(distance.max()) > 15
    untouched = (distance == 0).all(1).double()
    never, undone = (1 - 0.1 * 19 / 20) ** 20, 0.01  # two swaps of the same two undo each other, rarely
    assert abs(untouched.mean() - never) < 4 * (never * (1 - never) / 4_000) ** 0.5 + undone


@pytest.mark.parametrize("move", [swapped, swapped_anywhere])
@pytest.mark.parametrize("probability", [-0.1, 1.5, float("nan")])
def test_what_is_no_probability_is_refused(move: Callable[..., Tensor], probability: float) -> None:
    with pytest.raises(ValueError, match=r"between 0 and 1.*\.$"):
        move(numbered([4]), probability, seeded())
