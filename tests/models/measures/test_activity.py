"""Active units on good, dead and duplicated means."""

import math

import pytest
import torch
from torch.nn.functional import normalize

from models.measures.activity import active_units, unit_variances


def test_living_dead_and_duplicated_units() -> None:
    good = torch.randn(400, 3)
    means = torch.cat([good, torch.full((400, 2), 0.7), good, 0.01 * good], 1)
    assert active_units(means) == 6
    assert active_units(means, threshold=1e-6) == 9


def test_variances_are_unbiased() -> None:
    means = torch.randn(7, 3)
    expected = (means - means.mean(0)).double().square().sum(0) / 6
    assert torch.allclose(unit_variances(means), expected)


def test_unit_vectors_share_one_variance_at_most() -> None:
    means = normalize(torch.randn(2_000, 200), dim=1)
    assert unit_variances(means).sum() < 1.001
    assert active_units(means) == 0
    assert active_units(means, threshold=0.01 / 200) == 200


@pytest.mark.parametrize("means", [torch.randn(1, 4), torch.tensor([[math.inf], [0.0]])])
def test_unfit_means_are_refused(means: torch.Tensor) -> None:
    with pytest.raises(ValueError, match=r"^A measure needs .*\.$"):
        active_units(means)
