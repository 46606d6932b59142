"""What is peculiar to the hierarchical spike-and-slab latent."""

import pytest
import torch
from torch.distributions import Beta, kl_divergence
from torch.nn.functional import softplus

from models.distributions.clamped_beta import HIGH, LOW
from models.latents.spike_slab import SpikeSlab
from models.measures.sparsity import average_hoyer
from tests.models.statistics import assert_mean


def test_scores_equal_the_formulas() -> None:
    latent, h = SpikeSlab(6, size=3), torch.randn(8, 6)
    gamma, z = latent(h).values()
    a, b = softplus(latent.off_shape(h)) + 0.05, softplus(latent.on_shape(h)) + 0.05
    inside = ((gamma.value > LOW) & (gamma.value < HIGH)).all(-1)
    assert inside.any()
    assert torch.allclose(gamma.log_q[inside], Beta(a, b).log_prob(gamma.value).sum(-1)[inside], atol=1e-3)
    assert torch.allclose(
        gamma.kl, kl_divergence(Beta(a, b), Beta(torch.tensor(4.0), torch.tensor(1.0))).sum(-1), rtol=1e-4
    )
    mean, variance = latent.location(h), latent.log_variance(h).exp()
    slab = 0.5 * (mean**2 + variance - 1 - variance.log())
    assert torch.allclose(z.kl, ((1 - gamma.value) * slab).sum(-1), rtol=1e-5)


def test_gamma_is_the_probability_of_being_off() -> None:
    latent = SpikeSlab(6, size=3, spike=1e-3)
    h = torch.randn(2_000, 6)
    off = latent(h, {"gamma": torch.full((2_000, 3), 0.9)})["z"].value.abs() < 5e-3
    assert_mean(off.double(), 0.9, rounding=0.01)


@pytest.mark.parametrize("sees", [False, True])
def test_the_slab_sees_gamma_only_if_told(sees: bool) -> None:
    latent, h = SpikeSlab(6, size=3, slab_sees_gamma=sees), torch.randn(5, 6)
    z = torch.randn(5, 3)
    low, high = (latent(h, {"gamma": torch.full((5, 3), at), "z": z})["z"].kl / (1 - at) for at in (0.1, 0.9))
    assert torch.allclose(low, high, rtol=1e-4) is not sees


def test_the_bound_is_above_the_sampled_kl() -> None:
    bound, sample = SpikeSlab(6, size=8, spike=1.0), SpikeSlab(6, size=8, spike=1.0, kl="sample")
    sample.load_state_dict(bound.state_dict())
    h = torch.randn(6).expand(20_000, 6)
    upper, unbiased = (latent(h)["z"].kl.double().mean().item() for latent in (bound, sample))
    assert 0 < unbiased < 0.95 * upper


def test_extreme_features_score_and_differentiate_finitely() -> None:
    latent = SpikeSlab(6, size=8)
    h = (100 * torch.randn(500, 6)).requires_grad_()
    gamma = latent(h)["gamma"]
    total = gamma.value.sum() + gamma.kl.sum() + gamma.log_q.sum()
    assert total.isfinite()
    assert torch.autograd.grad(total, h)[0].isfinite().all()


@pytest.mark.parametrize(
    ("off", "expected"), [(0.2, 0.33), (0.5, 0.485), (0.75, 0.635), (0.8, 0.663), (0.833, 0.677), (0.98, 0.42)]
)
def test_average_hoyer_of_prior_draws_peaks_before_the_sparsest(off: float, expected: float) -> None:
    latent = SpikeSlab(6, size=32, alpha=5 * off, beta=5 * (1 - off))
    hoyer = average_hoyer(latent.prior_sample((8_000,))["z"])
    assert hoyer.value == pytest.approx(expected, abs=0.01)
    assert hoyer.dims_dropped == 0
    assert hoyer.zero_rows == 0


@pytest.mark.parametrize(("size", "off", "expected"), [(768, 0.5, 0.423), (768, 0.8, 0.595), (768, 0.909, 0.665)])
def test_average_hoyer_of_wide_prior_draws(size: int, off: float, expected: float) -> None:
    latent = SpikeSlab(6, size=size, alpha=5 * off, beta=5 * (1 - off))
    assert average_hoyer(latent.prior_sample((1_000,))["z"]).value == pytest.approx(expected, abs=0.01)
