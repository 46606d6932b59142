"""What is peculiar to the hierarchical spike-and-slab latent."""

import math

import pytest
import torch
from scipy import special, stats
from torch.distributions import Beta, kl_divergence
from torch.nn.functional import softplus

from tests.support import models
from tests.support.statistics import assert_mean
from uncollapse.models.distributions.clamped_beta import HIGH, LOW
from uncollapse.models.latents.spike_slab import SpikeSlab
from uncollapse.models.measures.sparsity import average_hoyer


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


def test_extreme_features_keep_the_shapes_where_the_sampler_is_sound_and_the_slab_above_its_floor() -> None:
    """Below shapes of 0.02 torch draws from the middle what belongs at the ends: see the clamped Beta's own tests."""
    latent, h = SpikeSlab(6, size=8, slab_sees_gamma=True), 1e4 * torch.randn(20_000, 6)
    posterior = latent.off_posterior(h)
    least = torch.minimum(posterior.a, posterior.b)
    assert least.min().item() == pytest.approx(0.05)
    both = (torch.maximum(posterior.a, posterior.b) < 0.0501) & (least < 0.0501)
    law, draws = stats.beta(0.05, 0.05), posterior.rsample()[both]
    assert len(draws) > 10_000
    assert_mean(((draws > 0.4) & (draws < 0.6)).double(), float(law.cdf(0.6) - law.cdf(0.4)))
    _, log_variance = latent.slab_parameters(h, torch.full((20_000, 8), 0.5))
    assert (0.5 * log_variance).exp().min().item() == pytest.approx(1e-3, rel=1e-4)


def test_a_narrow_slab_is_scored_to_rounding() -> None:
    """log q of draws from the narrowest slab averages to minus its entropy."""
    latent, h = SpikeSlab(6, size=1), torch.zeros(20_000, 6)
    with torch.no_grad():
        latent.log_variance.bias.fill_(-100.0)
        latent.location.bias.fill_(3.0)
    scored = latent(h, {"gamma": torch.full((20_000, 1), LOW)})["z"]
    assert_mean(scored.log_q, -(0.5 * math.log(2 * math.pi * math.e) + math.log(1e-3)), rounding=1e-3)


@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize("indicator", ["straight_through", "relaxed"])
def test_codes_are_relaxed_in_training_alone_and_only_if_told(indicator: str, mode: str) -> None:
    latent = SpikeSlab(6, size=4, spike=1e-3, temperature=1.0, indicator=indicator)
    with torch.no_grad():
        latent.log_variance.bias.fill_(-6.0)
        latent.location.bias.fill_(5.0)
    latent.train(mode == "train")
    h = 0.1 * torch.randn(500, 6)
    for draw, may_be_soft in ((latent, True), (latent.propose, False)):
        z = draw(h)["z"].value
        soft = ((z > 0.5) & (z < 3.5)).double().mean()
        if may_be_soft and indicator == "relaxed" and mode == "train":
            assert soft > 0.1
        else:
            assert soft == 0


def test_a_relaxed_latent_evaluates_as_a_straight_through_one() -> None:
    hard, soft = SpikeSlab(6, size=4).eval(), SpikeSlab(6, size=4, indicator="relaxed").eval()
    soft.load_state_dict(hard.state_dict())
    h = torch.randn(50, 6)
    torch.manual_seed(1)
    ours = hard(h)
    torch.manual_seed(1)
    theirs = soft(h)
    assert all(torch.equal(ours[name].value, theirs[name].value) for name in ours)
    assert torch.equal(hard.mean(h), soft.mean(h))


def test_a_relaxed_latent_replays_and_differentiates() -> None:
    latent, h = SpikeSlab(6, size=4, indicator="relaxed", kl="sample", slab_sees_gamma=True), torch.randn(64, 6)
    drawn = latent(h)
    replayed = latent(h, {name: variable.value for name, variable in drawn.items()})
    for name, variable in drawn.items():
        assert torch.equal(variable.log_q, replayed[name].log_q)
        assert torch.equal(variable.kl, replayed[name].kl)
    for gradient in torch.autograd.grad(drawn["z"].value.square().sum(), list(latent.parameters())):
        assert gradient.isfinite().all()
        assert (gradient != 0).all()


def hoyer_rows(size: int, off: float, count: int, spike: float = 0.05, certainty: float = 5.0) -> torch.Tensor:
    """Hoyer of every prior draw, each dimension divided by its deviation under the prior: (N,)."""
    latent = SpikeSlab(6, size=size, alpha=certainty * off, beta=certainty * (1 - off), spike=spike)
    scaled = latent.prior_sample((count,))["z"].double() / (1 - off + off * spike**2) ** 0.5
    root = size**0.5
    return (root - scaled.abs().sum(1) / scaled.norm(dim=1)) / (root - 1)


# Probability of being off, Average Hoyer to the digits it is known to, and half of the last digit.
NARROW = [(0.2, 0.33, 5e-3), (0.5, 0.485, 5e-4), (0.75, 0.635, 5e-4), (0.8, 0.663, 5e-4), (0.833, 0.677, 5e-4)]
FALLING = [(0.909, 0.6655, 2.5e-3), (0.98, 0.42, 5e-3)]  # beyond the peak
ZEROS = [(0.2, 0.34, 5e-3), (0.5, 0.52, 5e-3), (0.75, 0.72, 5e-3), (0.8, 0.77, 5e-3), (0.833, 0.81, 5e-3)]
WIDE = [(0.5, 0.423, 5e-4), (0.8, 0.595, 5e-4), (0.833, 0.616, 5e-4), (0.909, 0.665, 5e-4), (0.98, 0.637, 5e-4)]
WIDE_ZEROS = [(0.5, 0.452, 5e-4), (0.8, 0.667, 5e-4), (0.833, 0.70, 5e-3), (0.909, 0.787, 5e-4), (0.98, 0.92, 5e-3)]


@pytest.mark.parametrize(
    ("size", "spike", "off", "expected", "digit"),
    [
        *[(32, 0.05, *row) for row in NARROW + FALLING],
        *[(32, 1e-6, *row) for row in ZEROS],
        *[(768, 0.05, *row) for row in WIDE],
        *[(768, 1e-6, *row) for row in WIDE_ZEROS],
    ],
)
def test_average_hoyer_of_prior_draws_is_the_tabled_one(
    size: int, spike: float, off: float, expected: float, digit: float
) -> None:
    """Within 4 s.e. and the table's own rounding."""
    assert_mean(hoyer_rows(size, off, 600_000 // size, spike), expected, rounding=digit)


@pytest.mark.parametrize("off", [0.5, 0.8])
def test_the_measure_of_prior_draws_is_the_tabled_one(off: float) -> None:
    """Deviations taken from the draws themselves, as `average_hoyer` does, cost no more than 0.002 at 8000 draws."""
    z = SpikeSlab(6, size=32, alpha=5 * off, beta=5 * (1 - off)).prior_sample((8_000,))["z"]
    measured = average_hoyer(z)
    assert measured.value == pytest.approx({0.5: 0.485, 0.8: 0.663}[off], abs=4 * 0.0008 + 0.002)
    assert measured.dims_dropped == measured.zero_rows == 0


@pytest.mark.parametrize("off", [0.5, 0.9])
def test_under_the_prior_only_the_mean_of_gamma_matters(off: float) -> None:
    loose, certain = (hoyer_rows(32, off, 10_000, certainty=certainty) for certainty in (1.0, 60.0))
    error = (loose.var() / len(loose) + certain.var() / len(certain)).sqrt()
    assert (loose.mean() - certain.mean()).abs() <= 4 * error


def test_average_hoyer_peaks_before_the_sparsest() -> None:
    values = [hoyer_rows(32, off, 4_000).mean().item() for off in (0.5, 0.75, 0.833, 0.98)]
    assert values[0] < values[1] < values[2] > values[3]


@pytest.mark.parametrize("sees", [False, True])
@pytest.mark.parametrize("indicator", ["straight_through", "relaxed"])
def test_importance_weights_average_to_the_integral_over_gamma_and_z(sees: bool, indicator: str) -> None:
    """p(x) = int int p(gamma) p(z | gamma) p(x | z) dz dgamma, on a grid, for one dimension and a small decoder."""
    alpha, beta, spike = 2.0, 3.0, 0.05
    latent = {"kind": "spike_slab", "size": 1, "alpha": alpha, "beta": beta, "spike": spike}
    model = models.model("hsvae", latent=latent | {"slab_sees_gamma": sees, "indicator": indicator})
    with torch.no_grad():
        model.latent.log_variance.bias.fill_(0.5)  # wider than the prior's slab, so that the weights have a variance
        model.output.logits.weight.mul_(4)
    words = models.batch([5])
    z = torch.cat([torch.linspace(-0.4, 0.4, 801), torch.linspace(-8, 8, 801)]).double().unique()
    gamma = torch.linspace(LOW, HIGH, 401).double()
    prior = special.beta(alpha, beta) ** -1 * gamma ** (alpha - 1) * (1 - gamma) ** (beta - 1)
    normal, narrow = torch.tensor(stats.norm.pdf(z)), torch.tensor(stats.norm.pdf(z, 0, spike))
    joint = prior.unsqueeze(1) * (gamma.unsqueeze(1) * narrow + (1 - gamma.unsqueeze(1)) * normal)
    with torch.no_grad():
        likelihood = model.decode(words.repeated(len(z)), z.float().unsqueeze(1)).double().exp()
        model.train()
        weights = model.log_weights(words, model.encode(words), 20_000).double().squeeze(1)
    marginal = torch.trapezoid(torch.trapezoid(joint * likelihood, z, dim=1), gamma)
    assert torch.trapezoid(torch.trapezoid(joint, z, dim=1), gamma).item() == pytest.approx(1, abs=1e-4)
    assert likelihood.max() > 1.2 * likelihood.min()  # the decoder listens
    assert_mean((weights - marginal.log()).exp(), 1.0, rounding=1e-4)
