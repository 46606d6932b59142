"""What is peculiar to the Gaussian latent."""

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from tests.support.statistics import assert_mean
from uncollapse.models.latents.gaussian import Gaussian


def test_initial_scale_is_the_posteriors_standard_deviation_at_first() -> None:
    for scale in (0.1, 1.0, 3.0):
        latent = Gaussian(6, size=3, initial_scale=scale)
        z = latent(torch.zeros(40_000, 6))["z"].value
        assert_mean((z - latent.location.bias).square(), scale**2)


def test_scores_equal_torchs() -> None:
    latent, h = Gaussian(6, size=3, prior_scale=0.4), torch.randn(8, 6)
    z = latent(h)["z"]
    q, p = Normal(latent.location(h), (latent.log_variance(h) / 2).exp()), Normal(0.0, torch.full((3,), 0.4))
    assert torch.allclose(z.log_q, q.log_prob(z.value).sum(-1), atol=1e-5)
    assert torch.allclose(z.log_p, p.log_prob(z.value).sum(-1), atol=1e-4)
    assert torch.allclose(z.kl, kl_divergence(q, p).sum(-1))


def test_prior_draws_have_the_priors_scale() -> None:
    assert_mean(Gaussian(6, size=3, prior_scale=0.4).prior_sample((40_000,))["z"].square(), 0.16)


@pytest.mark.parametrize(("name", "power"), [("l1", 1), ("l2", 2)])
def test_activity_penalties_are_the_norms_of_both_heads(name: str, power: int) -> None:
    latent, h = Gaussian(6, size=3), torch.randn(8, 6)
    mean, std = latent.location(h), (latent.log_variance(h) / 2).exp()
    expected = mean.norm(p=power, dim=-1) ** power + std.norm(p=power, dim=-1) ** power
    assert torch.allclose(latent.penalty(name, h, latent(h)), expected, rtol=1e-5)


def test_activity_penalties_pull_the_standard_deviation_down_and_the_kl_up() -> None:
    latent, h = Gaussian(6, size=3), torch.zeros(1, 6)
    before = latent(h)["z"].kl.item()
    optimizer = torch.optim.SGD(latent.parameters(), lr=0.1)
    for _ in range(50):
        optimizer.zero_grad()
        latent.penalty("l1", h, {}).sum().backward()
        optimizer.step()
    assert latent(h)["z"].kl.item() > before + 1


def test_a_penalty_that_it_does_not_have_is_an_error() -> None:
    with pytest.raises(KeyError, match="l3"):
        Gaussian(6).penalty("l3", torch.zeros(1, 6), {})
