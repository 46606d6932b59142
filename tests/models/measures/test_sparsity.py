"""Average Hoyer on good, dead, duplicated and adversarial codes."""

import math

import pytest
import torch

from uncollapse.models.measures.sparsity import average_hoyer


def one_hot(count: int, dimensions: int) -> torch.Tensor:
    return torch.eye(dimensions)[torch.arange(count) % dimensions]


def test_one_hot_codes_are_fully_sparse() -> None:
    assert average_hoyer(one_hot(64, 8)).value == pytest.approx(1)


def test_codes_of_equal_scaled_components_are_fully_dense() -> None:
    level = torch.randn(100, 1).abs() + 0.1
    assert average_hoyer(level * torch.tensor([1.0, 20.0, 0.3])).value == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("dimensions", "expected"), [(32, 0.2384), (768, 0.2095)])
def test_gaussian_codes_have_the_dense_floor(dimensions: int, expected: float) -> None:
    assert average_hoyer(torch.randn(6_000, dimensions)).value == pytest.approx(expected, abs=2e-3)


def test_it_is_the_formula() -> None:
    codes = torch.randn(50, 5).double()
    scaled = codes / codes.std(0, correction=0)
    rows = [(math.sqrt(5) - row.abs().sum() / row.square().sum().sqrt()) / (math.sqrt(5) - 1) for row in scaled]
    assert average_hoyer(codes).value == pytest.approx(sum(rows).item() / 50, abs=1e-12)


def test_it_is_invariant_to_the_scale_of_each_dimension_and_with_centring_to_shifts() -> None:
    codes = torch.randn(500, 6).double()
    value = average_hoyer(codes).value
    assert average_hoyer(codes * torch.rand(6).double() * 100).value == pytest.approx(value, abs=1e-12)
    assert average_hoyer(codes + 5).value != pytest.approx(value, abs=0.01)
    assert average_hoyer(codes + 5, centred=True).value == pytest.approx(
        average_hoyer(codes, centred=True).value, abs=1e-9
    )


def test_near_constant_dimensions_fake_sparsity_unless_centred() -> None:
    codes = torch.randn(5_000, 32)
    codes[:, :2] = 0.3 + 1e-3 * torch.randn(5_000, 2)
    assert average_hoyer(codes).value == pytest.approx(0.90, abs=0.01)
    assert average_hoyer(codes, centred=True).value == pytest.approx(0.24, abs=0.01)


def test_constant_dimensions_are_dropped_and_counted() -> None:
    codes = torch.randn(500, 8)
    padded = torch.cat([codes, torch.full((500, 24), 0.3)], 1)
    assert average_hoyer(padded) == (pytest.approx(average_hoyer(codes).value), 0.75, 0.0)


def test_zero_rows_count_as_sparse_and_are_counted() -> None:
    codes = torch.cat([torch.randn(50, 8), torch.zeros(150, 8)])
    hoyer = average_hoyer(codes)
    assert hoyer.zero_rows == 0.75
    assert hoyer.value == pytest.approx(0.75 + 0.25 * average_hoyer(codes[:50]).value, abs=0.05)


@pytest.mark.parametrize("centred", [False, True])
def test_dead_codes_keep_no_dimension(centred: bool) -> None:
    assert average_hoyer(torch.full((9, 4), 0.3), centred) == (1.0, 1.0, 1.0)


def test_a_single_living_dimension_is_sparse() -> None:
    assert average_hoyer(torch.cat([torch.randn(9, 1), torch.zeros(9, 3)], 1)) == (1.0, 0.75, 0.0)


def test_duplicated_dimensions_look_denser_than_they_are_only_through_their_number() -> None:
    codes = one_hot(64, 8) * torch.rand(64, 1)
    twice = average_hoyer(codes.repeat(1, 2)).value
    assert twice == pytest.approx((4 - math.sqrt(2)) / 3)


@pytest.mark.parametrize("codes", [torch.randn(1, 4), torch.randn(4), torch.tensor([[1.0, math.nan], [0.0, 1.0]])])
def test_unfit_codes_are_refused_in_a_sentence(codes: torch.Tensor) -> None:
    with pytest.raises(ValueError, match=r"^A measure needs .*\.$"):
        average_hoyer(codes)
