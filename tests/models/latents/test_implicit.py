"""What is peculiar to posteriors known by their draws."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy import integrate, stats
from torch import Tensor, nn
from torch.distributions import MultivariateNormal, kl_divergence

from tests.support import models
from tests.support.statistics import assert_mean
from uncollapse.models.evaluation.evaluate import evaluate
from uncollapse.models.latents.implicit import Implicit

FEATURES, SIZE = 3, 2


def small(generator: str = "linear", critic: str = "joint", **options: Any) -> Implicit:
    settings: dict[str, Any] = {"size": SIZE, "hidden": 32, "layers": 2, **options}
    return Implicit(FEATURES, generator=generator, critic=critic, **settings)  # type: ignore[arg-type]


def linear(latent: Implicit) -> nn.Linear:
    """The generator, whose inputs are the features and then the noise."""
    assert isinstance(latent.generator, nn.Linear)
    return latent.generator


def gaussian(latent: Implicit, h: Tensor) -> MultivariateNormal:
    """N(A h + b, B B^T) by its formula."""
    weight, bias = linear(latent).weight.detach().double(), linear(latent).bias.detach().double()
    noise = weight[:, FEATURES:]
    return MultivariateNormal(h.double() @ weight[:, :FEATURES].T + bias, noise @ noise.T)


@torch.no_grad()
def wide(latent: Implicit, mean: float = 1.0) -> Implicit:
    """A generator whose posteriors differ from the prior and from each other by a nat or so."""
    weight = linear(latent).weight
    weight.zero_()
    weight[:, :SIZE] = mean * torch.eye(SIZE)
    weight[:, FEATURES:] = torch.tensor([[0.5, 0.0], [0.3, 0.6]])
    linear(latent).bias.zero_()
    return latent


def train(latent: Implicit, h: Tensor, steps: int = 600) -> None:
    """Ascend the dual form under draws for features h."""
    optimizer = torch.optim.Adam(latent.critic.parameters(), lr=5e-3)
    for step in range(steps):
        if step == 2 * steps // 3:
            optimizer.param_groups[0]["lr"] = 1e-3
        optimizer.zero_grad()
        (-latent.dual(h, latent.draw(h).detach()).mean()).backward()
        optimizer.step()


@pytest.mark.parametrize("noise", [2, 5])
def test_a_linear_generator_is_a_gaussian_of_one_covariance(noise: int) -> None:
    latent, h, z = small(noise=noise), torch.randn(7, FEATURES), torch.randn(7, SIZE)
    expected = gaussian(latent, h)
    found = latent(h, {"z": z})["z"]
    logpdf = [
        stats.multivariate_normal(mean, expected.covariance_matrix[0]).logpdf(value)
        for mean, value in zip(expected.loc, z, strict=True)
    ]
    assert np.allclose(found.log_q.detach(), logpdf, atol=1e-5)
    standard = MultivariateNormal(torch.zeros(SIZE).double(), torch.eye(SIZE).double())
    assert torch.allclose(found.kl.double(), kl_divergence(expected, standard), atol=1e-5)
    assert torch.allclose(latent.mean(h).double(), expected.loc, atol=1e-6)
    assert not latent.kl_is_dual


def test_the_exact_kl_equals_monte_carlo() -> None:
    z = wide(small())(torch.tensor([1.0, -0.5, 0.3]).expand(40_000, FEATURES))["z"]
    assert_mean((z.log_q - z.log_p).double(), z.kl[0].double(), rounding=1e-5)


def test_a_linear_generator_of_too_little_noise_is_refused() -> None:
    with pytest.raises(ValueError, match=r"latent\.noise: .*found 1"):
        small(noise=1)
    assert small("mlp", noise=1)(torch.randn(4, FEATURES))["z"].log_q.isfinite().all()


def test_a_trained_critic_nears_the_exact_kl_from_below() -> None:
    latent = wide(small())
    sentences = torch.tensor([[1.0, 0.0, 0.0], [-1.0, 0.5, 0.0], [0.0, -1.0, 1.0]])
    h = sentences.repeat(200, 1)
    exact = latent(sentences)["z"].kl.mean().item()

    def dual() -> Tensor:
        with torch.no_grad():
            many = sentences.repeat(20_000, 1)
            return latent.dual(many, latent.draw(many))

    untrained = dual().mean().item()
    train(latent, h)
    trained = dual()
    assert untrained < 0.2 * exact
    assert trained.mean().item() > 0.95 * exact
    assert trained.mean() <= exact + 4 * trained.std() / len(trained) ** 0.5


def test_a_marginal_critic_nears_the_kl_of_the_aggregate_and_charges_no_information() -> None:
    latent = wide(small(critic="marginal"), mean=1.5)
    sentences = torch.tensor([[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0]])
    train(latent, sentences.repeat(300, 1))
    with torch.no_grad():
        many = sentences.repeat(40_000, 1)
        trained = latent.dual(many, latent.draw(many)).mean().item()
    posteriors = [gaussian(latent, h) for h in sentences]
    densities = [stats.multivariate_normal(q.loc, q.covariance_matrix) for q in posteriors]
    prior = stats.multivariate_normal(np.zeros(2))

    def excess(y: float, x: float) -> float:
        mixture = sum(density.pdf([x, y]) for density in densities) / 2
        return float(mixture * (math.log(mixture) - prior.logpdf([x, y])))

    aggregate = integrate.dblquad(excess, -6, 6, -6, 6, epsabs=1e-4)[0]
    each = latent(sentences)["z"].kl.mean().item()
    assert 0.93 * aggregate < trained < 1.02 * aggregate
    assert trained < each - 0.3


def test_the_dual_form_is_of_the_critic_on_both_distributions() -> None:
    latent, h, z = small(), torch.randn(5, FEATURES), torch.randn(5, SIZE)
    torch.manual_seed(1)
    found = latent.dual(h, z, draws=3)
    torch.manual_seed(1)
    prior = torch.randn(3, 5, SIZE)
    on_z, on_prior = latent.critic(h, z).squeeze(-1), latent.critic(h, prior).squeeze(-1)
    assert torch.allclose(found, (on_z - on_prior.double().exp().mean(0) + 1), atol=1e-6)


@pytest.mark.parametrize("critic", ["joint", "marginal"])
def test_the_penalty_is_the_critics_and_moves_features_through_the_code_alone(critic: str) -> None:
    latent = small(critic=critic)
    h = torch.randn(5, FEATURES, requires_grad=True)
    variables = latent(h)
    z = variables["z"].value
    penalty = latent.penalty("dual", h, variables)
    assert torch.equal(penalty, latent.critic(h, z).squeeze(-1))
    (by_code,) = torch.autograd.grad(penalty.sum(), z, retain_graph=True)
    (by_features,) = torch.autograd.grad(penalty.sum(), h)
    assert torch.allclose(by_features, by_code @ linear(latent).weight[:, :FEATURES], atol=1e-6)
    assert (by_features != 0).any()
    with pytest.raises(KeyError):
        latent.penalty("mmd", h, variables)


def test_the_critic_reads_pairs_as_if_side_by_side() -> None:
    latent, h, z = small(), torch.randn(5, FEATURES), torch.randn(4, SIZE)
    pairs = latent.critic(h.unsqueeze(1), z.unsqueeze(0)).squeeze(-1)
    layer = latent.critic.first
    for i in range(5):
        beside = torch.cat([h[i].expand(4, FEATURES), z], -1) @ layer.weight.T + layer.bias
        inner = torch.nn.functional.leaky_relu(beside)
        for rest in latent.critic.rest:
            inner = torch.nn.functional.leaky_relu(rest(inner))
        assert torch.allclose(pairs[i], latent.critic.last(inner).squeeze(-1), atol=1e-6)


def test_a_generator_without_a_density_says_so_and_charges_the_dual_form() -> None:
    latent, h = small("mlp"), torch.randn(6, FEATURES)
    assert latent.kl_is_dual
    assert not Implicit.kl_is_dual
    drawn = latent(h)["z"]
    replayed = latent(h, {"z": drawn.value})["z"]
    for field in ("value", "log_q", "log_p"):
        assert torch.equal(getattr(drawn, field), getattr(replayed, field))
    with torch.no_grad():
        latent.critic.last.weight.zero_()
        latent.critic.last.bias.fill_(0.5)
    charged = latent(h)["z"]
    assert charged.kl.tolist() == pytest.approx([0.5 - math.exp(0.5) + 1] * 6)
    assert torch.equal(latent.published_kl(h, {"z": charged}), charged.kl)


def bent() -> Implicit:
    """A generator whose draws are far from Gaussian, around different places."""
    latent = small("mlp")
    with torch.no_grad():
        for parameter in latent.generator.parameters():
            parameter.mul_(3.0)
    return latent.eval()


def test_the_fit_has_the_mean_and_somewhat_more_than_the_covariance_of_the_draws() -> None:
    latent, h = bent(), torch.randn(FEATURES)
    z = latent.draw(h.expand(40_000, FEATURES)).double()
    assert_mean(z, latent.mean(h).double(), rounding=0.01)
    proposed = latent.propose(h.expand(40_000, FEATURES))["z"].value.double()
    spread, wider = torch.linalg.eigvalsh(z.T.cov()), torch.linalg.eigvalsh(proposed.T.cov())
    assert (wider > 1.1 * spread).all()
    assert (wider < 1.35 * spread).all()


def test_importance_weights_of_proposals_are_exact() -> None:
    """E_q [p(z) l(z) / q] = N(c; 0, (1 + s^2) I) for the likelihood l = N(c; z, s^2 I), s of the posterior's width."""
    latent, h = bent(), torch.randn(FEATURES)
    z = latent.propose(h.expand(100_000, FEATURES))["z"]
    variance = 0.5 * torch.linalg.eigvalsh(z.value.double().T.cov()).min().item()
    aim = latent.mean(h).detach().double()
    distances = (z.value.double() - aim).square().sum(-1)
    log_likelihood = -0.5 * distances / variance - math.log(2 * math.pi * variance)
    evidence = stats.multivariate_normal(np.zeros(SIZE), (1 + variance) * np.eye(SIZE)).pdf(aim)
    assert_mean(((z.log_p - z.log_q).double() + log_likelihood).exp(), float(evidence))
    assert torch.allclose(latent(h, {"z": z.value[:50]})["z"].log_q, z.log_q[:50], atol=1e-4)


def test_the_rows_that_expand_copied_are_fitted_once() -> None:
    latent, h = bent(), torch.randn(4, FEATURES)
    seen: list[torch.Size] = []
    latent.generator.register_forward_hook(lambda module, inputs, output: seen.append(output.shape))
    expanded, copied = (latent.propose(rows)["z"].log_q.shape for rows in (h.expand(5, 4, FEATURES), h.repeat(5, 1, 1)))
    assert expanded == copied == (5, 4)
    assert [shape[:-2] for shape in seen] == [(1, 4), (5, 4)]
    values = {"z": torch.randn(5, 4, SIZE)}
    first, second = (latent(rows, values)["z"] for rows in (h.expand(5, 4, FEATURES), h.repeat(5, 1, 1)))
    assert torch.allclose(first.log_q, second.log_q, rtol=1e-4)


def test_a_generator_that_ignores_its_noise_still_proposes() -> None:
    latent = bent()
    with torch.no_grad():
        latent.generator.get_parameter("first.weight")[:, FEATURES:] = 0
    z = latent.propose(torch.randn(5, FEATURES))["z"]
    assert z.log_q.isfinite().all()
    assert z.log_p.isfinite().all()


def test_measures_of_either_generator_are_named_for_what_they_are() -> None:
    sentences = [models.batch([4, 6, 3, 8])]
    linear = evaluate(models.model("ivae", latent={"hidden": 16}), sentences, samples=4, seed=0)
    assert {"nll_elbo", "kl", "kl_z", "mi", "nll_iw", "nll_published"} <= linear.keys()
    assert linear["nll_published"] < linear["nll_elbo"]
    bent = evaluate(models.model("ivae", latent={"hidden": 16, "generator": "mlp"}), sentences, samples=4, seed=0)
    assert {"nll_dual", "kl_dual", "nll_iw", "nll_published"} <= bent.keys()
    assert not {"nll_elbo", "kl", "mi"} & bent.keys()
    assert bent["nll_published"] == pytest.approx(bent["nll_dual"])
