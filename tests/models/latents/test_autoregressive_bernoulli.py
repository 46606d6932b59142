"""What is peculiar to the autoregressive binary latent: everything against the enumeration of its codes."""

import math

import numpy as np
import pytest
import torch
from scipy.special import expit
from torch import Tensor
from torch.distributions import Bernoulli, kl_divergence

from tests.support.statistics import assert_mean
from uncollapse.models.latents.autoregressive_bernoulli import AutoregressiveBernoulli


def latent(size: int = 3, seed: int = 0, **options: str) -> AutoregressiveBernoulli:
    """One with a prior and a posterior that are far from independent components."""
    torch.manual_seed(seed)
    made = AutoregressiveBernoulli(6, size=size, **options)
    with torch.no_grad():
        for before in (made.posterior_before, made.prior_before):
            before.weight.normal_(0, 1.5)
        made.prior_bias.normal_()
    return made


def codes(size: int) -> Tensor:
    return torch.tensor([[(code >> bit) & 1 for bit in range(size)] for code in range(2**size)]).float()


@pytest.mark.parametrize("size", [2, 3, 8])
def test_probabilities_of_all_codes_sum_to_one(size: int) -> None:
    made, h = latent(size), torch.randn(5, 6)
    scored = made(h.unsqueeze(1), {"z": codes(size).unsqueeze(0)})["z"]
    assert scored.log_q.shape == (5, 2**size)
    for score in (scored.log_q, scored.log_p):
        assert torch.allclose(score.exp().sum(-1), torch.ones(5), atol=1e-5)


def test_scores_are_those_of_one_component_after_the_other() -> None:
    made, h = latent(), torch.randn(4, 6)
    z = torch.tensor([[0.0, 1, 1], [1, 1, 0], [0, 0, 0], [1, 0, 1]])
    scored = made(h, {"z": z})["z"]
    u, v = (before.matrix().detach().numpy() for before in (made.posterior_before, made.prior_before))
    logits, bias = made.from_features(h).detach().numpy(), made.prior_bias.detach().numpy()
    for row in range(4):
        value, log_q, log_p, kl = z[row].numpy(), 0.0, 0.0, 0.0
        for i in range(3):
            q = expit(logits[row, i] + sum(u[i, j] * value[j] for j in range(i)))
            p = expit(bias[i] + sum(v[i, j] * value[j] for j in range(i)))
            log_q += math.log(q if value[i] else 1 - q)
            log_p += math.log(p if value[i] else 1 - p)
            kl += kl_divergence(Bernoulli(torch.tensor(q)), Bernoulli(torch.tensor(p))).item()
        assert scored.log_q[row].item() == pytest.approx(log_q, abs=1e-5)
        assert scored.log_p[row].item() == pytest.approx(log_p, abs=1e-5)
        assert scored.kl[row].item() == pytest.approx(kl, abs=1e-5)


def test_a_component_sees_those_before_it_alone() -> None:
    matrix = latent(5).posterior_before.matrix()
    assert torch.equal(matrix, matrix.tril(-1))
    assert (matrix[torch.ones(5, 5).tril(-1).bool()] != 0).all()


def test_draws_follow_the_enumerated_probabilities() -> None:
    made, h, every = latent(), torch.randn(6), codes(3)
    scored = made(h, {"z": every})["z"]
    for drawn, log_probability in (
        (made(h.expand(40_000, 6))["z"].value, scored.log_q),
        (made.prior_sample((40_000,))["z"], scored.log_p),
    ):
        assert set(drawn.unique().tolist()) == {0.0, 1.0}
        hits = (drawn.unsqueeze(1) == every).all(-1).double()
        assert_mean(hits, log_probability.exp().double())


@pytest.mark.parametrize("kl", ["conditional", "sample"])
def test_kl_is_that_of_the_enumeration_on_average(kl: str) -> None:
    made, h = latent(4, kl=kl), torch.randn(6)
    scored = made(h, {"z": codes(4)})["z"]
    exact = (scored.log_q.exp() * (scored.log_q - scored.log_p)).sum()
    assert exact > 0.5
    assert (scored.log_q.exp() * scored.kl).sum().item() == pytest.approx(exact.item(), rel=1e-4)
    assert_mean(made(h.expand(40_000, 6))["z"].kl, exact.item())


def test_the_conditional_kl_varies_less_and_is_never_negative() -> None:
    conditional, sample = latent(8), latent(8, kl="sample")
    sample.load_state_dict(conditional.state_dict())
    h = torch.randn(6).expand(5_000, 6)
    ours, theirs = (made(h)["z"].kl for made in (conditional, sample))
    assert (ours >= 0).all()
    assert (theirs < 0).any()
    assert ours.var() < 0.7 * theirs.var()


@pytest.mark.parametrize("spread", [0.1, 3.0, 60.0, 500.0])
def test_pairs_are_scored_as_each_alone(spread: float) -> None:
    made, h = latent(20), torch.randn(5, 6)
    with torch.no_grad():
        made.from_features.weight.mul_(spread)
        made.posterior_before.weight.mul_(spread)
        z = made(h)["z"].value
        pairs = made(h.unsqueeze(1), {"z": z.unsqueeze(0)})["z"].log_q
        apart = torch.stack([made(one.expand(5, -1), {"z": z})["z"].log_q for one in h])
    torch.testing.assert_close(pairs, apart, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("size", [3, 10])
def test_the_mean_of_few_components_is_exact(size: int) -> None:
    made, h = latent(size), torch.randn(2, 6)
    q = made(h.unsqueeze(1), {"z": codes(size).unsqueeze(0)})["z"].log_q.exp()
    assert torch.allclose(made.mean(h), q @ codes(size), atol=1e-5)
    assert torch.equal(made.off(h), 1 - made.mean(h))


def test_the_mean_of_many_components_is_the_mean_field_recursion() -> None:
    made, h = latent(30), torch.randn(4, 6)
    logits, u = made.from_features(h).detach().numpy(), made.posterior_before.matrix().detach().numpy()
    expected = np.zeros((4, 30))
    for i in range(30):
        expected[:, i] = expit(logits[:, i] + expected[:, :i] @ u[i, :i])
    assert np.allclose(made.mean(h).detach().numpy(), expected, atol=1e-5)


def test_the_mean_field_is_exact_where_components_do_not_depend_and_near_where_they_depend_little() -> None:
    made, h = latent(30), torch.randn(6)
    for strength, tolerance in ((0.0, 0.0), (0.2, 0.02)):
        with torch.no_grad():
            made.posterior_before.weight.normal_(0, strength)
        drawn = made(h.expand(20_000, 6))["z"].value
        assert_mean(drawn, made.mean(h).detach().double(), rounding=tolerance)


def test_draws_pass_no_gradient_and_scores_do() -> None:
    made = latent()
    variable = made(torch.randn(9, 6))["z"]
    assert not variable.value.requires_grad
    reached = torch.autograd.grad(variable.log_q.sum(), [made.from_features.weight, made.posterior_before.weight])
    assert all((gradient != 0).all() for gradient in reached)


def test_the_baseline_is_one_number_a_sentence() -> None:
    made = latent()
    assert made.baseline(torch.randn(7, 6)).shape == (7,)
    assert made.baseline(torch.randn(7, 4, 6)).shape == (7, 4)
