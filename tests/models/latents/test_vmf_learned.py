"""What is peculiar to the von Mises-Fisher latent that learns its concentration."""

import math

import pytest
import torch
from torch.nn.functional import softplus

from tests.support.statistics import assert_mean
from uncollapse.models.distributions.bessel import mean_resultant
from uncollapse.models.latents.vmf_learned import VMFLearned


def test_kappa_starts_where_it_is_told() -> None:
    latent = VMFLearned(6, size=5, kappa_min=0.5, kappa_max=200.0, initial_kappa=40.0)
    assert latent.kappa(torch.zeros(3, 6)).tolist() == pytest.approx([40.0] * 3, rel=1e-6)
    near = VMFLearned(6, size=5, kappa_min=1.0, initial_kappa=1.001)
    assert near.kappa(torch.zeros(6)).item() == pytest.approx(1.001, rel=1e-6)


def test_kappa_is_the_softplus_of_its_head_between_its_limits() -> None:
    latent = VMFLearned(6, size=5, kappa_min=2.0, kappa_max=20.0, initial_kappa=10.0)
    h = 30 * torch.randn(2000, 6)
    a = (h @ latent.concentration.weight.T + latent.concentration.bias).squeeze(-1)
    kappa = latent.kappa(h)
    assert torch.allclose(kappa, (softplus(a.double()) + 2.0).clamp(max=20.0), rtol=1e-5)
    assert kappa.min() >= 2.0
    assert kappa.max() == 20.0


@pytest.mark.parametrize(("low", "initial", "high"), [(1.0, 1.0, 9.0), (1.0, 10.0, 9.0), (5.0, 4.0, 3.0)])
def test_a_start_outside_the_limits_is_refused(low: float, initial: float, high: float) -> None:
    with pytest.raises(ValueError, match=r"latent\.initial_kappa"):
        VMFLearned(6, kappa_min=low, initial_kappa=initial, kappa_max=high)


def test_every_sentence_has_the_kl_of_its_own_kappa() -> None:
    latent = VMFLearned(1, size=50)
    with torch.no_grad():
        latent.concentration.weight.fill_(1.0)
        latent.concentration.bias.zero_()
    a = torch.tensor([math.log(math.expm1(9.0)), math.log(math.expm1(39.0)), 79.0, 149.0]).unsqueeze(-1)
    assert latent.kappa(a).tolist() == pytest.approx([10.0, 40.0, 80.0, 150.0], rel=1e-6)
    assert latent(a)["z"].kl.tolist() == pytest.approx([0.9466, 9.2364, 19.5152, 31.6003], abs=6e-5)
    assert latent.mean(a).norm(dim=-1).tolist() == pytest.approx([0.1928, 0.5570, 0.7383, 0.8495], abs=6e-5)


def test_importance_weights_are_exact() -> None:
    latent = VMFLearned(6, size=4, initial_kappa=2.0)
    rows = torch.randn(6).expand(40_000, 6)
    z = latent(rows)["z"]
    assert_mean((z.log_p - z.log_q).exp(), 1.0)
    prior = latent(rows, latent.prior_sample((40_000,)))["z"]
    assert_mean((prior.log_q - prior.log_p).exp(), 1.0)


@pytest.mark.parametrize(("size", "start"), [(5, 2.0), (50, 50.0)])
def test_the_gradient_of_the_reconstruction_is_unbiased(size: int, start: float) -> None:
    latent = VMFLearned(6, size=size, initial_kappa=start)
    weights, count, rounds = torch.randn(size), 500, 40
    h = torch.randn(6)
    mean = latent.mean(h.unsqueeze(0)) @ weights
    parameters = (latent.concentration.bias, latent.direction.bias)
    exact = torch.cat([gradient.flatten() for gradient in torch.autograd.grad(mean.sum(), parameters)])
    found = []
    for _ in range(rounds):
        drawn = latent(h.expand(count, 6))["z"].value @ weights
        gradients = torch.autograd.grad(drawn.mean(), parameters)
        found.append(torch.cat([gradient.flatten() for gradient in gradients]))
    assert_mean(torch.stack(found), exact.double())
    assert exact[0].abs() > 0


def learned(gradient: str, reward: float, steps: int = 150) -> float:
    """kappa after descending -reward mu^T z + KL, whose exact minimum over kappa it should near."""
    torch.manual_seed(0)
    latent = VMFLearned(1, size=10, gradient=gradient)  # type: ignore[arg-type]
    optimizer, h = torch.optim.Adam(latent.parameters(), lr=0.5 if gradient == "full" else 0.05), torch.ones(256, 1)
    aim = latent.mean(h[:1]).detach()
    aim = aim / aim.norm()
    for _ in range(steps):
        z = latent(h)["z"]
        optimizer.zero_grad()
        (z.kl - reward * z.value @ aim.squeeze(0)).mean().backward()
        optimizer.step()
    return latent.kappa(h[:1]).item()


def test_a_decoder_that_listens_raises_kappa_to_its_best() -> None:
    """KL - r A has its minimum where kappa A' = r A', at kappa = r."""
    assert learned("full", reward=80.0) == pytest.approx(80.0, rel=0.05)
    assert learned("full", reward=20.0) == pytest.approx(20.0, rel=0.05)


def test_without_a_gradient_of_the_reconstruction_kappa_sinks_to_its_least() -> None:
    assert learned("released", reward=80.0) == pytest.approx(10.0, abs=0.2)


def test_the_released_kappa_is_a_clamped_line_of_which_only_the_kl_is_learned() -> None:
    latent, h = VMFLearned(6, size=5, gradient="released"), 20 * torch.randn(300, 6)
    a = (h @ latent.concentration.weight.T + latent.concentration.bias).squeeze(-1)
    assert torch.allclose(latent.kappa(h), (10 * a.double() + 50).clamp(10, 150), rtol=1e-4)
    z = latent(h[:5])["z"]
    head = latent.concentration.weight
    (of_value,) = torch.autograd.grad(z.value.sum(), head, retain_graph=True, allow_unused=True)
    (of_kl,) = torch.autograd.grad(latent(0.01 * h)["z"].kl.sum(), head)
    assert of_value is None
    assert (of_kl != 0).all()


def test_the_density_is_the_same_with_either_gradient() -> None:
    full, released = VMFLearned(1, size=5), VMFLearned(1, size=5, gradient="released")
    released.load_state_dict(full.state_dict())
    h = torch.zeros(4, 1)
    with torch.no_grad():
        full.concentration.bias.fill_(59.0)
        released.concentration.bias.fill_(1.0)
    assert full.kappa(h).tolist() == pytest.approx(released.kappa(h).tolist())
    values = {"z": full.prior_sample((4,))["z"]}
    assert torch.allclose(full(h, values)["z"].log_q, released(h, values)["z"].log_q, rtol=1e-5)


@pytest.mark.parametrize("size", [2, 50, 1024])
@pytest.mark.parametrize(("low", "start", "high"), [(1e-3, 2e-3, 1e-2), (1.0, 50.0, 300.0), (9e3, 9.5e3, 1e4)])
def test_corners_of_the_range_train_without_nan(size: int, low: float, start: float, high: float) -> None:
    latent = VMFLearned(6, size=size, kappa_min=low, initial_kappa=start, kappa_max=high)
    z = latent(torch.randn(64, 6))["z"]
    (z.value.square() @ torch.randn(size) + z.log_q + z.kl).sum().backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in latent.parameters())
    assert all(score.isfinite().all() for score in (z.log_q, z.log_p, z.kl))


def test_features_that_are_nan_draw_nan_and_end() -> None:
    h = torch.randn(3, 6)
    h[1] = torch.nan
    z = VMFLearned(6, size=5)(h)["z"]
    assert z.value.isfinite().all(-1).tolist() == [True, False, True]
    assert z.kl.isfinite().tolist() == [True, False, True]


def test_the_mean_is_that_of_the_resultant() -> None:
    latent, h = VMFLearned(6, size=5), torch.randn(9, 6)
    assert torch.allclose(latent.mean(h).norm(dim=-1).double(), mean_resultant(5, latent.kappa(h)), atol=1e-6)
