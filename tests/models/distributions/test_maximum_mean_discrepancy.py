"""The discrepancy of two sets against its double loop, its expectation and its edges."""

import pytest
import torch
from torch import Tensor

from tests.support.statistics import assert_mean
from uncollapse.models.distributions.maximum_mean_discrepancy import maximum_mean_discrepancy, squared_distances

SCALES = (0.1, 1.0, 5.0)


def kernel(x: Tensor, y: Tensor) -> float:
    return sum(2 * len(x) * s / (2 * len(x) * s + (x - y).square().sum().item()) for s in SCALES)


def by_loops(left: Tensor, right: Tensor) -> float:
    def within(points: Tensor) -> float:
        pairs = [(i, j) for i in range(len(points)) for j in range(len(points)) if i != j]
        return sum(kernel(points[i], points[j]) for i, j in pairs) / len(pairs)

    across = sum(kernel(x, y) for x in left for y in right) / (len(left) * len(right))
    return within(left) + within(right) - 2 * across


@pytest.mark.parametrize(("rows", "others", "size"), [(2, 2, 1), (5, 3, 1), (4, 6, 7)])
def test_it_equals_the_double_loop(rows: int, others: int, size: int) -> None:
    left, right = 3 * torch.randn(rows, size), torch.randn(others, size)
    found = maximum_mean_discrepancy(left, right, SCALES)
    assert found.item() == pytest.approx(by_loops(left, right), abs=1e-5)


def test_batches_of_sets_are_compared_each_on_its_own() -> None:
    left, right = torch.randn(2, 3, 5, 4), torch.randn(2, 3, 6, 4)
    found = maximum_mean_discrepancy(left, right, SCALES)
    one_by_one = [maximum_mean_discrepancy(left[i, j], right[i, j], SCALES) for i in range(2) for j in range(3)]
    assert torch.allclose(found.flatten(), torch.stack(one_by_one), atol=1e-6)


def test_it_is_unbiased_and_therefore_negative_at_times_where_the_laws_are_one() -> None:
    found = maximum_mean_discrepancy(torch.randn(4_000, 8, 3), torch.randn(4_000, 8, 3), SCALES)
    assert_mean(found, 0.0, errors=3.0)
    assert (found < 0).any()


def test_it_grows_with_the_distance_of_the_laws() -> None:
    base = torch.randn(3, 500, 2)
    near, far = (maximum_mean_discrepancy(base[0] + shift, base[1], SCALES) for shift in (0.5, 2.0))
    assert 0 < near < far


def test_a_lone_point_has_no_pairs_and_exerts_no_pull() -> None:
    lone = torch.randn(1, 3, requires_grad=True)
    found = maximum_mean_discrepancy(lone, torch.randn(1, 3), SCALES)
    assert found.item() == 0
    assert torch.equal(torch.autograd.grad(found, lone)[0], torch.zeros(1, 3))


def test_equal_points_have_finite_gradients_and_no_distance() -> None:
    points = torch.full((4, 3), 1.7, requires_grad=True)
    assert squared_distances(points, points).max() < 1e-5
    found = maximum_mean_discrepancy(points, torch.randn(4, 3), SCALES)
    assert torch.autograd.grad(found, points)[0].isfinite().all()
