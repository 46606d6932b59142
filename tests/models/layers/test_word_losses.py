"""Losses of words: those of cross_entropy, with its gradients, whatever the size and however unlikely the word."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from uncollapse.models.layers import word_losses as module
from uncollapse.models.layers.word_losses import word_losses


def given(rows: int, hidden: int, words: int, scale: float = 1.0) -> tuple[Tensor, nn.Linear, Tensor]:
    torch.manual_seed(rows)
    states = (scale * torch.randn(rows, hidden, dtype=torch.float64)).requires_grad_()
    return states, nn.Linear(hidden, words).double(), torch.randint(words, (rows,))


def gradients(losses: Tensor, states: Tensor, logits: nn.Linear) -> tuple[Tensor, ...]:
    weights = torch.linspace(-1.0, 2.0, len(losses), dtype=losses.dtype)
    return torch.autograd.grad((losses * weights).sum(), [states, logits.weight, logits.bias])


@pytest.mark.parametrize(("rows", "words"), [(1, 2), (7, 40), (513, 30), (40, 9001)])
@pytest.mark.parametrize("scale", [1.0, 1e3])
def test_losses_and_gradients_are_those_of_cross_entropy(rows: int, words: int, scale: float) -> None:
    states, logits, targets = given(rows, 5, words, scale)
    expected, found = cross_entropy(logits(states), targets, reduction="none"), word_losses(states, logits, targets)
    torch.testing.assert_close(found, expected)
    for one, other in zip(gradients(found, states, logits), gradients(expected, states, logits), strict=True):
        torch.testing.assert_close(one, other)


def test_a_word_that_is_all_but_impossible_has_a_finite_loss() -> None:
    states, logits, _ = given(3, 5, 11, 1e4)
    targets = logits(states).argmin(1)
    losses = word_losses(states, logits, targets)
    assert losses.min() > 1000
    assert losses.isfinite().all()


def test_without_gradients_rows_come_in_parts_and_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    states, logits, targets = given(20, 5, 11)
    with torch.no_grad():
        whole = word_losses(states, logits, targets)
        monkeypatch.setattr(module, "AT_ONCE", 7)
        torch.testing.assert_close(word_losses(states, logits, targets), whole)
    torch.testing.assert_close(whole, word_losses(states, logits, targets).detach())


def test_a_gradient_can_be_taken_twice() -> None:
    states, logits, targets = given(6, 5, 11)
    losses = word_losses(states, logits, targets).sum()
    first, second = (torch.autograd.grad(losses, states, retain_graph=True)[0] for _ in range(2))
    assert torch.equal(first, second)


def test_what_is_not_finite_stays_so() -> None:
    states, logits, targets = given(2, 5, 11)
    with torch.no_grad():
        logits.bias.fill_(torch.nan)
    assert word_losses(states, logits, targets).isnan().all()
