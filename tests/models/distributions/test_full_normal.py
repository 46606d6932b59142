"""Correlated normal distributions against scipy's and torch's."""

import numpy as np
import pytest
import torch
from scipy import stats
from torch.distributions import MultivariateNormal, kl_divergence

from tests.support.statistics import assert_mean
from uncollapse.models.distributions.full_normal import FullNormal, factor_of

SIZE = 4


def factor(*batch: int) -> torch.Tensor:
    return factor_of(torch.randn(*batch, SIZE + 3, SIZE))


def test_log_density_is_that_of_scipy() -> None:
    mean, rows, value = torch.randn(SIZE), torch.randn(SIZE + 3, SIZE), torch.randn(9, SIZE)
    expected = stats.multivariate_normal(mean.numpy(), (rows.mT @ rows).double().numpy()).logpdf(value.numpy())
    assert np.allclose(FullNormal(mean, factor_of(rows)).log_prob(value).numpy(), expected)


@pytest.mark.parametrize("each", [(), (5, 1)])
def test_pairs_are_the_double_loop(each: tuple[int, ...]) -> None:
    mean, value, factors = torch.randn(5, 1, SIZE), torch.randn(1, 7, SIZE), factor(*each)
    found = FullNormal(mean, factors).log_prob(value)
    assert found.shape == (5, 7)
    for i in range(5):
        covariance = (factors @ factors.mT)[i, 0] if each else factors @ factors.mT
        expected = MultivariateNormal(mean[i, 0].double(), covariance).log_prob(value[0].double())
        assert torch.allclose(found[i], expected)


@pytest.mark.parametrize("each", [(), (5,)])
def test_kl_to_the_standard_is_torchs(each: tuple[int, ...]) -> None:
    mean, factors = torch.randn(5, SIZE).double(), factor(*each)
    standard = MultivariateNormal(torch.zeros(SIZE).double(), torch.eye(SIZE).double())
    expected = kl_divergence(MultivariateNormal(mean, factors @ factors.mT), standard)
    assert torch.allclose(FullNormal(mean, factors).kl_to_standard(), expected)


@pytest.mark.parametrize("each", [(), (3,)])
def test_draws_have_their_mean_and_covariance(each: tuple[int, ...]) -> None:
    mean, factors = torch.randn(3, SIZE), factor(*each)
    distribution = FullNormal(mean, factors)
    z = distribution.rsample((40_000,))
    assert_mean(z, distribution.mean)
    centred = z - distribution.mean
    products = centred.unsqueeze(-1) * centred.unsqueeze(-2)
    assert_mean(products, (factors @ factors.mT).expand(3, SIZE, SIZE))


def test_a_factor_keeps_the_determinant_of_what_is_nearly_flat() -> None:
    rows = torch.diag(torch.tensor([1.0, 1e-9, 1e-9, 1e-9], dtype=torch.float64))
    turn = torch.linalg.qr(torch.randn(SIZE, SIZE, dtype=torch.float64)).Q
    distribution = FullNormal(torch.zeros(SIZE), factor_of(rows @ turn))
    assert distribution.log_determinant.item() == pytest.approx(3 * np.log(1e-9), abs=1e-5)


def test_rows_that_are_nan_pass_through() -> None:
    rows = torch.randn(SIZE + 1, SIZE)
    rows[0, 0] = torch.nan
    assert FullNormal(torch.zeros(SIZE), factor_of(rows)).log_prob(torch.zeros(SIZE)).isnan()


def test_gradients_reach_mean_and_rows() -> None:
    mean = torch.randn(SIZE, dtype=torch.float64, requires_grad=True)
    rows = torch.randn(SIZE + 2, SIZE, dtype=torch.float64, requires_grad=True)

    def scores(mean: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        distribution = FullNormal(mean, factor_of(rows))
        return distribution.log_prob(torch.ones(SIZE)) + distribution.kl_to_standard()

    assert torch.autograd.gradcheck(scores, (mean, rows))
