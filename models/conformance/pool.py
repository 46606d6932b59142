"""What every pool must do. Shapes: B sentences, T steps, H features."""

from collections.abc import Callable
from typing import Any

import torch

from uncollapse.models.conformance.failure import demand, demand_close
from uncollapse.models.conformance.small import batch

FEATURES = 6
LENGTHS = [1, 6, 3, 4]
PLACES = ("features", "latents", "tokens")
Make = Callable[[], Any]


def it_says_where_posteriors_stand(make: Make) -> None:
    """`at` is features, latents or tokens."""
    found = make().at
    demand(found in PLACES, f"`at` is {found!r} and must be one of {', '.join(PLACES)}")


def features_keep_their_size(make: Make) -> None:
    """(B, T, H) becomes (B, H), or stays as it is where `at` is tokens."""
    pool = make()
    expected = (4, 6, FEATURES) if pool.at == "tokens" else (4, FEATURES)
    found = tuple(pool(torch.randn(4, 6, FEATURES), batch(LENGTHS).mask).shape)
    demand(found == expected, f"what is pooled is {found} and must be {expected}")


def padding_changes_nothing(make: Make) -> None:
    """More padding, and other values in it, leave what is pooled as it is."""
    pool, mask, features = make(), batch(LENGTHS).mask, torch.randn(4, 6, FEATURES)
    for filling in (0.0, 100.0, -100.0):
        longer = torch.full((4, 9, FEATURES), filling)
        longer[:, :6] = torch.where(mask.unsqueeze(-1), features, torch.tensor(filling))
        there = torch.cat([mask, torch.zeros(4, 3, dtype=torch.bool)], 1)
        short, long = pool(features, mask), pool(longer, there)
        if pool.at == "tokens":
            short, long = short[mask], long[there]
        demand_close(long, short, f"what is pooled changes with padding of {filling:g}")


def gradients_reach_words_only(make: Make) -> None:
    """What is pooled passes finite gradients to every sentence, and none to padding."""
    pool, mask, features = make(), batch(LENGTHS).mask, torch.randn(4, 6, FEATURES, requires_grad=True)
    pooled = pool(features, mask)
    (pooled[mask] if pool.at == "tokens" else pooled).sum().backward()
    assert features.grad is not None
    demand(features.grad.isfinite(), "a gradient is not finite")
    demand(features.grad[~mask] == 0, "a gradient reaches padding")
    demand(features.grad.sum((1, 2)) > 0, "no gradient reaches some sentences")


EVERY: tuple[Callable[[Make], None], ...] = (
    it_says_where_posteriors_stand,
    features_keep_their_size,
    padding_changes_nothing,
    gradients_reach_words_only,
)
