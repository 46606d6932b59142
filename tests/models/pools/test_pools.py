"""Every pool against a loop over sentences. Shapes: B sentences, T steps, H features."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tests.support.models import batch
from uncollapse.models.configuration import components
from uncollapse.models.conformance.pool import EVERY, FEATURES, Make

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
@pytest.mark.parametrize("check", EVERY, ids=lambda check: check.__name__)
def test_every_pool_passes(kind: str, check: Callable[[Make], None]) -> None:
    check(lambda: components.build("pool", components.resolve("pool", {"kind": kind}), FEATURES))


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
