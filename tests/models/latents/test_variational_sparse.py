"""What is peculiar to sparse posteriors against a mixture of pseudo-inputs."""

import itertools
import math

import pytest
import torch
from scipy import stats
from torch.distributions import Normal

from tests.support.statistics import assert_mean
from uncollapse.models.latents.variational_sparse import VariationalSparse


def components(latent: VariationalSparse) -> tuple[torch.Tensor, ...]:
    """On-probabilities, means and standard deviations of the pseudo-inputs: each (K, C)."""
    own = latent.on(latent.pseudo_inputs).sigmoid()
    on = torch.sigmoid(latent.pseudo_sharpness * (own - 0.5))
    h = latent.pseudo_inputs
    return on.detach(), latent.location(h).detach(), (latent.log_variance(h) / 2).exp().detach()


def printed_kl(latent: VariationalSparse, h: torch.Tensor) -> torch.Tensor:
    """KL(q(z|x) || q(z|h_u)) as printed, by component: (B, K)."""
    on, mean = latent.on(h).sigmoid().unsqueeze(1), latent.location(h).unsqueeze(1)
    std = (latent.log_variance(h) / 2).exp().unsqueeze(1)
    on_u, mean_u, std_u = components(latent)
    slab = (std_u / std).log() + (std**2 + (mean - mean_u) ** 2) / (2 * std_u**2) - 0.5
    return (on * slab + on * (on / on_u).log() + (1 - on) * ((1 - on) / (1 - on_u)).log()).sum(-1)


def test_the_charged_kl_is_the_printed_one_under_the_selector_and_the_selectors_own() -> None:
    latent, h = VariationalSparse(6, size=3, pseudo_inputs=5), torch.randn(8, 6)
    weights = latent.selector(h).softmax(-1)
    selected = (weights * printed_kl(latent, h)).sum(-1)
    selection = (weights * (5 * weights).log()).sum(-1)
    z = latent(h)
    assert torch.allclose(z["z"].kl, selected + selection, rtol=1e-4)
    assert torch.allclose(latent.published_kl(h, z), selected, rtol=1e-4)


def test_with_one_pseudo_input_the_charged_kl_is_exact() -> None:
    z = VariationalSparse(6, size=3, pseudo_inputs=1)(torch.randn(6).expand(60_000, 6))["z"]
    assert_mean(z.log_q - z.log_p, z.kl[0].item(), rounding=1e-4)


def test_with_several_the_charged_kl_is_an_upper_bound() -> None:
    latent = VariationalSparse(6, size=3, pseudo_inputs=5)
    torch.nn.init.normal_(latent.pseudo_inputs, std=3.0)
    for h in torch.randn(5, 6):
        z = latent(h.expand(20_000, 6))["z"]
        gain = (z.log_q - z.log_p).double()
        assert gain.mean() <= z.kl[0] + 4 * gain.std() / math.sqrt(20_000)


def test_a_selector_that_follows_the_divergences_makes_the_bound_tightest() -> None:
    """min over w of sum_u w_u KL_u + KL(w || uniform) is -log mean_u exp(-KL_u)."""
    latent, h = VariationalSparse(6, size=3, pseudo_inputs=5), torch.randn(1, 6)
    torch.nn.init.normal_(latent.pseudo_inputs, std=3.0)
    divergences = printed_kl(latent, h).detach()
    best = (math.log(5) - (-divergences).logsumexp(-1)).item()
    assert latent(h)["z"].kl.item() > best + 1e-3
    with torch.no_grad():
        latent.selector.weight.zero_()
        latent.selector.bias.copy_(-divergences[0])
    assert latent(h)["z"].kl.item() == pytest.approx(best, abs=1e-4)


def evidence(latent: VariationalSparse, slope: torch.Tensor, noise: float, x: float) -> float:
    """p(x) of x = slope^T z + noise by summing over pseudo-inputs and indicators: each leaves a normal density."""
    total = 0.0
    for on, mean, std in zip(*components(latent), strict=True):
        for pattern in itertools.product([0.0, 1.0], repeat=len(slope)):
            indicator = torch.tensor(pattern)
            probability = (on * indicator + (1 - on) * (1 - indicator)).prod().item()
            centre = (slope * indicator * mean).sum().item()
            spread = math.sqrt((slope * indicator * std).square().sum().item() + noise**2)
            total += probability * stats.norm(centre, spread).pdf(x) / len(latent.pseudo_inputs)
    return total


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(("size", "x"), [(1, 0.0), (1, 1.3), (2, -0.7)])
def test_importance_weights_are_unbiased(size: int, x: float, training: bool) -> None:
    latent = VariationalSparse(6, size=size, pseudo_inputs=3).train(training)
    torch.nn.init.normal_(latent.pseudo_inputs)
    torch.nn.init.constant_(latent.log_variance.bias, 0.5)
    h, slope = torch.zeros(200_000, 6), torch.tensor([1.0, -2.0])[:size]
    with torch.no_grad():
        latent.log_variance.weight.mul_(0.3)  # q as wide as p, so that the weights have a variance
        z = latent(h)["z"]
    predicted = latent.code({"z": z.value}, h) @ slope
    log_weight = Normal(predicted, 0.5).log_prob(torch.tensor(x)) + z.log_p - z.log_q
    assert_mean(log_weight.double().exp() / evidence(latent, slope, 0.5, x), 1.0)


def test_prior_draws_switch_on_as_often_as_the_pseudo_inputs_say() -> None:
    latent = VariationalSparse(6, size=3, pseudo_inputs=4)
    torch.nn.init.normal_(latent.pseudo_inputs, std=2.0)
    on, mean, _ = components(latent)
    draws = latent.prior_sample((60_000,))["z"]
    assert_mean((draws != 0).double(), on.double().mean(0))
    assert_mean(draws, (on * mean).double().mean(0))


def test_components_are_off_as_often_as_said_and_then_exactly_zero() -> None:
    latent, h = VariationalSparse(6, size=3), torch.randn(6)
    code = latent.code({"z": latent(h.expand(40_000, 6))["z"].value}, h)
    assert_mean((code == 0).double(), latent.off(h).double())


def test_relaxed_codes_are_for_training_alone() -> None:
    latent, h = VariationalSparse(6, size=8, relaxed=True), torch.randn(500, 6)
    in_training = latent.train()(h)["z"]
    assert (in_training.value != 0).double().mean() > 0.7
    assert in_training.log_q.isfinite().all()
    assert_mean((latent.eval()(h)["z"].value == 0).double() - latent.off(h), 0.0)


def test_rate_is_the_divergence_of_the_pseudo_inputs_mean_on_probability() -> None:
    latent, h = VariationalSparse(6, size=3, target_rate=0.2, pseudo_inputs=5), torch.randn(8, 6)
    rate = latent.selector(h).softmax(-1) @ components(latent)[0].mean(-1)
    expected = 3 * (rate * (rate / 0.2).log() + (1 - rate) * ((1 - rate) / 0.8).log())
    assert torch.allclose(latent.penalty("rate", h, latent(h)), expected, rtol=1e-4)


def test_rate_alone_trains_the_pseudo_inputs_to_their_target() -> None:
    latent, h = VariationalSparse(6, size=3, target_rate=0.2), torch.randn(16, 6)
    optimizer = torch.optim.Adam(latent.parameters(), lr=0.05)
    for _ in range(200):
        optimizer.zero_grad()
        latent.penalty("rate", h, {}).mean().backward()
        optimizer.step()
    rate = latent.selector(h).softmax(-1) @ components(latent)[0].mean(-1)
    assert torch.allclose(rate, torch.full((16,), 0.2), atol=0.02)


def test_extreme_features_score_and_differentiate_finitely() -> None:
    latent = VariationalSparse(6, size=8)
    h = (30 * torch.randn(200, 6)).requires_grad_()
    z = latent(h)["z"]
    total = z.value.sum() + z.kl.sum() + z.log_q.sum() + z.log_p.sum()
    assert total.isfinite()
    assert torch.autograd.grad(total, h)[0].isfinite().all()
