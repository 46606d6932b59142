"""Every pool against a loop over sentences. Shapes: B sentences, T steps, H features."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tests.support.models import batch
from uncollapse.models.configuration import components

LENGTHS = [1, 6, 3, 4]
ORACLES: dict[str, Callable[[Tensor], Tensor]] = {
    "last": lambda steps: steps[-1],
    "avg": lambda steps: torch.stack([step / len(steps) for step in steps]).sum(0),
    "max": lambda steps: torch.stack([max(column) for column in steps.T]),
    "abs": lambda steps: torch.stack([max(column, key=abs) for column in steps.T]),
    "nowhere": lambda steps: steps,
}
every = pytest.mark.parametrize("kind", components.kinds("pool"))


def built(kind: str) -> Callable[[Tensor, Tensor], Tensor]:
    return components.build("pool", components.resolve("pool", {"kind": kind}), 5)


@pytest.mark.parametrize("kind", sorted(ORACLES))
def test_against_a_loop(kind: str) -> None:
    mask, features = batch(LENGTHS).mask, torch.randn(4, 6, 5)
    found = built(kind)(features, mask)
    for row, length in enumerate(LENGTHS):
        pooled = found[row, :length] if kind == "nowhere" else found[row]
        torch.testing.assert_close(pooled, ORACLES[kind](features[row, :length]))


@every
def test_says_where_posteriors_stand(kind: str) -> None:
    assert built(kind).at in ("features", "latents", "tokens")


@every
@pytest.mark.parametrize("filling", [0.0, 100.0, -100.0])
def test_padding_changes_nothing(kind: str, filling: float) -> None:
    mask, features = batch(LENGTHS).mask, torch.randn(4, 6, 5)
    longer = torch.full((4, 9, 5), filling)
    longer[:, :6] = torch.where(mask.unsqueeze(-1), features, torch.tensor(filling))
    there = torch.cat([mask, torch.zeros(4, 3, dtype=torch.bool)], 1)
    pool = built(kind)
    short, long = pool(features, mask), pool(longer, there)
    if pool.at == "tokens":
        short, long = short[mask], long[there]
    torch.testing.assert_close(long, short)


@every
def test_gradients_reach_words_only(kind: str) -> None:
    mask, features = batch(LENGTHS).mask, torch.randn(4, 6, 5, requires_grad=True)
    pool = built(kind)
    pooled = pool(features, mask)
    (pooled[mask] if pool.at == "tokens" else pooled).sum().backward()
    assert features.grad.isfinite().all()
    assert features.grad[~mask].eq(0).all()
    torch.testing.assert_close(features.grad.sum((1, 2)) > 0, torch.ones(4, dtype=torch.bool))


def test_attention_is_a_mean_weighted_by_a_softmax_of_scores() -> None:
    pool, features = built("attention"), torch.randn(2, 4, 5)
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]]).bool()
    for row, length in enumerate((4, 2)):
        weights = (features[row, :length] @ pool.score.weight[0]).softmax(0)
        torch.testing.assert_close(pool(features, mask)[row], weights @ features[row, :length])


def test_the_last_share_of_the_steps_is_regularised_and_never_none() -> None:
    mask = torch.tensor([[1] * 8, [1] * 3 + [0] * 5, [1] + [0] * 7]).bool()
    for share, expected in ((1.0, [8, 3, 1]), (0.5, [4, 2, 1]), (0.25, [2, 1, 1]), (0.01, [1, 1, 1])):
        pool = components.build(
            "pool", components.resolve("pool", {"kind": "last", "at": "latents", "regularise": share}), 5
        )
        kept = pool.regularised(mask)
        assert kept.sum(1).tolist() == expected
        assert (kept & ~mask).sum() == 0
        assert all(kept[row, length - 1] for row, length in enumerate((8, 3, 1)))


def test_each_half_is_taken_where_its_direction_ends() -> None:
    features, mask = torch.randn(2, 4, 6), torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]]).bool()
    found = built("ends")(features, mask)
    expected = torch.stack(
        [torch.cat([features[0, 3, :3], features[0, 0, 3:]]), torch.cat([features[1, 1, :3], features[1, 0, 3:]])]
    )
    assert torch.equal(found, expected)
