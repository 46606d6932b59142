"""Codes and bags that hold each other, or nothing. Shapes: N sentences; C code; E embedding."""

import math

import pytest
import torch
from torch import Tensor

from uncollapse.models.measures.checks import NotFinite
from uncollapse.models.probes.bag import BothWays, code_and_bag, recover

TRAIN, TEST = 800, 400


def cut(rows: Tensor) -> tuple[Tensor, Tensor]:
    return rows[:TRAIN], rows[TRAIN:]


def both(codes: Tensor, bags: Tensor, seed: int = 0) -> BothWays:
    (train_codes, test_codes), (train_bags, test_bags) = cut(codes), cut(bags)
    return code_and_bag(train_codes, train_bags, test_codes, test_bags, seed)


def test_a_code_that_is_a_rotated_bag_tells_it_and_is_told_by_it() -> None:
    bags = torch.randn(TRAIN + TEST, 6)
    turn = torch.linalg.qr(torch.randn(6, 6)).Q
    forth, back = both(bags @ turn, bags)
    for found in (forth, back):
        assert found.cosine > 0.95
        assert abs(found.control) < 0.15  # 4 standard errors of five shuffles
        assert (found.count, found.training.rows, found.training.held_out) == (TEST, 720, 80)


def test_a_code_that_is_more_than_a_bag_tells_it_and_is_not_told_by_it() -> None:
    """The vMF finding of Table 6: half of the code is not in the words, so its cosine is about sqrt(1 / 2)."""
    bags = torch.randn(TRAIN + TEST, 5)
    forth, back = both(torch.cat([bags, torch.randn(TRAIN + TEST, 5)], 1), bags)
    assert forth.cosine > 0.95
    assert abs(back.cosine - math.sqrt(0.5)) < 0.06
    assert abs(back.control) < 0.15


def test_what_a_straight_map_cannot_tell_is_told() -> None:
    """Sizes of components without their signs, whose mean is taken off: no linear map of the source correlates."""
    source = torch.randn(TRAIN + TEST, 2)
    target = (source.abs() - math.sqrt(2 / math.pi)).repeat(1, 4)
    found = recover(*(rows for pair in zip(cut(source), cut(target), strict=True) for rows in pair), seed=0)
    assert found.cosine > 0.8
    assert abs(found.control) < 0.15


def test_codes_unlike_the_words_do_no_better_than_the_average_bag() -> None:
    """Adversarial: mean embeddings share a direction, so their cosine with the average is high without any code."""
    bags = torch.randn(TRAIN + TEST, 6) + 2
    forth, back = both(torch.randn(TRAIN + TEST, 4), bags)
    mean = torch.cosine_similarity(cut(bags)[1], cut(bags)[0].mean(0, keepdim=True)).mean().item()
    assert mean > 0.85
    assert forth.cosine == pytest.approx(mean, abs=0.02)
    assert forth.control == pytest.approx(mean, abs=0.02)
    assert abs(back.cosine) < 0.1


def test_dead_codes_tell_nothing_and_are_told_perfectly_by_nothing() -> None:
    """A constant code has cosine 1 with its prediction and with the control: the difference is what counts."""
    forth, back = both(torch.full((TRAIN + TEST, 4), 0.3), torch.randn(TRAIN + TEST, 6) + 1)
    assert forth.cosine == pytest.approx(forth.control, abs=0.02)
    assert back.cosine == pytest.approx(1, abs=1e-3)
    assert back.control == pytest.approx(1, abs=1e-3)


def test_small_and_shifted_vectors_are_recovered_as_well() -> None:
    bags = torch.randn(TRAIN + TEST, 6)
    source, asked = cut(bags)
    shift = 5.0 * torch.ones(6)
    found = recover(source * 1e-4, source * 1e-3 + 1e-3 * shift, asked * 1e-4, asked * 1e-3 + 1e-3 * shift, seed=0)
    assert found.cosine > 0.995 > found.control


def test_the_same_seed_gives_the_same_figures_and_the_global_generator_is_not_touched() -> None:
    codes, bags = torch.randn(300, 3), torch.randn(300, 4)
    state = torch.get_rng_state()
    found = [recover(codes[:200], bags[:200], codes[200:], bags[200:], seed) for seed in (1, 1, 2)]
    assert found[0] == found[1] != found[2]
    assert torch.equal(torch.get_rng_state(), state)


def test_what_does_not_fit_is_refused() -> None:
    rows = torch.randn(20, 3)
    with pytest.raises(ValueError, match="target for each source"):
        recover(rows, rows[:9], rows, rows, seed=0)
    with pytest.raises(ValueError, match="two rows"):
        recover(rows[:1], rows[:1], rows, rows, seed=0)
    with pytest.raises(NotFinite):
        recover(rows, rows, rows, rows / 0 * 0, seed=0)
