"""Active units on good, dead and duplicated means."""

import math

import pytest
import torch
from torch.nn.functional import normalize

from uncollapse.models.measures.activity import (
    active_units_by_threshold,
    unit_variances,
    variance_on_sphere,
)


def test_living_dead_and_duplicated_units() -> None:
    good = torch.randn(400, 3)
    means = torch.cat([good, torch.full((400, 2), 0.7), good, 0.01 * good], 1)
    assert active_units_by_threshold(means, (0.01, 1e-6)) == {0.01: 6, 1e-6: 9}


def test_variances_are_unbiased() -> None:
    means = torch.randn(7, 3)
    expected = (means - means.mean(0)).double().square().sum(0) / 6
    assert torch.allclose(unit_variances(means), expected)


def test_unit_vectors_share_one_variance_at_most() -> None:
    means = normalize(torch.randn(2_000, 200), dim=1)
    assert unit_variances(means).sum() < 1.001
    assert active_units_by_threshold(means, (0.01, 0.01 / 200)) == {0.01: 0, 0.01 / 200: 200}


@pytest.mark.parametrize("means", [torch.randn(1, 4), torch.tensor([[math.inf], [0.0]])])
def test_unfit_means_are_refused(means: torch.Tensor) -> None:
    with pytest.raises(ValueError, match=r"^A measure needs .*\.$"):
        active_units_by_threshold(means)


def test_a_lower_threshold_finds_no_fewer_units() -> None:
    means = torch.randn(2_000, 5) * torch.tensor([0.01, 0.05, 0.12, 0.2, 1.0])
    assert active_units_by_threshold(means) == {0.001: 4, 0.01: 3, 0.02: 2, 0.1: 1}


def test_on_the_sphere_thresholds_are_shares_of_what_all_components_can_have() -> None:
    means = normalize(torch.randn(2_000, 200), dim=1)
    assert active_units_by_threshold(means, (0.5, 2.0), variance_on_sphere(200)) == {0.5: 200, 2.0: 0}
    assert active_units_by_threshold(means, (0.5,)) == {0.5: 0}


def test_one_component_can_take_the_variance_of_all() -> None:
    """Adversarial: directions +e_1 and -e_1 vary by d times the share of each, in one component alone."""
    means = torch.zeros(100, 10)
    means[:, 0] = torch.tensor([1.0, -1.0]).repeat(50)
    assert active_units_by_threshold(means, (0.5, 9.0), variance_on_sphere(10)) == {0.5: 1, 9.0: 1}


def test_dead_means_are_never_active() -> None:
    assert set(active_units_by_threshold(torch.full((50, 4), 0.3)).values()) == {0}
