"""Planar flows: Jacobians, inverses, densities and means."""

import numpy as np
import pytest
import torch
from scipy import integrate
from torch import Tensor
from torch.distributions import Normal

from tests.support.statistics import assert_mean
from uncollapse.models.distributions.planar import PlanarFlows


def flows(size: int, count: int, stretch: float = 2.0) -> PlanarFlows:
    """Flows that bend strongly, in float64."""
    made = PlanarFlows(size, count).double()
    with torch.no_grad():
        made.normals.mul_(stretch)
        made.free_shifts.mul_(stretch)
        made.offsets.normal_()
    return made


def one_by_one(made: PlanarFlows, z: Tensor) -> Tensor:
    """As Rezende and Mohamed print it, one flow after another."""
    for w, u, b in zip(made.normals, made.free_shifts, made.offsets, strict=True):
        inner = w @ u
        shift = u + (-1 + torch.log(1 + inner.exp()) - inner) * w / w.square().sum()
        z = z + shift * torch.tanh(z @ w + b).unsqueeze(-1)
    return z


@pytest.mark.parametrize("count", [0, 1, 3, 6])
def test_it_equals_one_flow_after_another(count: int) -> None:
    made, z = flows(4, count), torch.randn(3, 5, 4).double()
    assert torch.allclose(made(z)[0], one_by_one(made, z))


@pytest.mark.parametrize("count", [0, 1, 3, 6])
def test_its_determinant_is_that_of_autograds_jacobian(count: int) -> None:
    made = flows(4, count)
    for z in torch.randn(5, 4).double():
        jacobian = torch.func.jacrev(lambda point: made(point)[0])(z)
        assert made(z)[1].item() == pytest.approx(torch.linalg.slogdet(jacobian).logabsdet.item(), abs=1e-9)


def test_what_enters_each_flow_is_what_those_before_it_gave() -> None:
    made, z = flows(4, 3), torch.randn(6, 4).double()
    entering = made.entering(z)
    assert torch.equal(entering[0], z)
    for count in (1, 2):
        fewer = PlanarFlows(4, count).double()
        fewer.load_state_dict({name: value[:count] for name, value in made.state_dict().items()})
        assert torch.allclose(entering[count], fewer(z)[0])


@pytest.mark.parametrize("stretch", [0.5, 2.0, 5.0])
def test_it_is_undone_by_its_inverse(stretch: float) -> None:
    made, z = flows(3, 4, stretch), torch.randn(200, 3).double()
    again = made(made.inverse(z))[0]
    assert torch.allclose(again, z, atol=1e-9)


def test_it_is_invertible_however_much_its_parameters_oppose_each_other() -> None:
    made = flows(3, 1)
    with torch.no_grad():
        made.free_shifts.copy_(-5 * made.normals)
        made.offsets.zero_()
        assert made.normals[0] @ made.shifts()[0] > -1
        along = torch.linspace(-3, 3, 5_001).double().unsqueeze(-1) * made.normals
        code, log_determinant = made(along)
    assert ((code @ made.normals[0]).diff() > 0).all()
    assert log_determinant.isfinite().all()


@pytest.mark.parametrize("count", [1, 3])
def test_the_density_of_what_it_makes_of_a_normal_integrates_to_one(count: int) -> None:
    made = flows(2, count, 1.5)
    line = np.linspace(-12, 12, 801)
    code = torch.from_numpy(np.stack(np.meshgrid(line, line, indexing="ij"), -1))
    with torch.no_grad():
        z = made.inverse(code)
        log_density = Normal(0.0, 1.0).log_prob(z).sum(-1) - made(z)[1]
    total = integrate.trapezoid(integrate.trapezoid(log_density.exp().numpy(), line), line)
    assert total == pytest.approx(1, abs=2e-3)


@pytest.mark.parametrize(("size", "count"), [(4, 0), (4, 1), (4, 3), (2, 5)])
def test_its_mean_is_that_of_many_draws(size: int, count: int) -> None:
    made = flows(size, count)
    location, log_variance = torch.randn(3, size).double(), torch.randn(3, size).double()
    with torch.no_grad():
        draws = location + (0.5 * log_variance).exp() * torch.randn(200_000, 3, size).double()
        mean = made.mean(location, log_variance)
        assert_mean(made(draws)[0], mean, rounding=0.01 * made.shifts().norm(dim=-1).sum().item())
        if count:
            assert (made(location)[0] - mean).abs().max() > 0.05  # which f of the mean is not
        else:
            assert torch.equal(mean, location)
