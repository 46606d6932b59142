"""What is peculiar to the Gaussian latent."""

import torch
from torch.distributions import Normal, kl_divergence

from models.latents.gaussian import Gaussian
from tests.models.statistics import assert_mean


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
