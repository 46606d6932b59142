"""What is peculiar to posteriors bent by planar flows."""

import math

import numpy as np
import pytest
import torch
from scipy import integrate, stats
from torch import Tensor
from torch.distributions import Normal

from tests.support.statistics import assert_mean
from uncollapse.models.latents.planar_flow import PlanarFlow
from uncollapse.models.variable import Variable

SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


def bent(size: int = 2, centres: int = 10) -> PlanarFlow:
    """A latent whose flows bend strongly."""
    latent = PlanarFlow(6, size=size, centres=centres)
    with torch.no_grad():
        latent.flow.normals.mul_(1.5)
        latent.flow.offsets.normal_()
    return latent


def scored(z: Tensor) -> dict[str, Variable]:
    def nothing() -> Tensor:
        return z.new_zeros(z.shape[:-1])

    return {"z": Variable(z, nothing, nothing, nothing)}


def test_the_prior_of_what_enters_the_flows_integrates_to_one() -> None:
    line = np.linspace(-12, 12, 601)
    z = torch.from_numpy(np.stack(np.meshgrid(line, line, indexing="ij"), -1)).float()
    with torch.no_grad():
        density = bent()(torch.zeros(6), {"z": z})["z"].log_p.exp().numpy()
    assert integrate.trapezoid(integrate.trapezoid(density, line), line) == pytest.approx(1, abs=2e-3)


def test_prior_draws_are_what_the_flows_make_standard_normal() -> None:
    latent = bent()
    code = latent.code(latent.prior_sample((20_000,)), torch.zeros(6)).detach()
    assert all(stats.kstest(column.numpy(), stats.norm.cdf).pvalue > 0.01 for column in code.T)


@pytest.mark.parametrize("x", [0.0, 2.0])
def test_importance_weights_are_unbiased(x: float) -> None:
    """Under p(x|code) = N(x; a^T code, 0.5^2): the evidence is normal, since the code's prior is."""
    latent, slope = bent(), torch.tensor([1.0, -0.5])
    h = torch.zeros(200_000, 6)
    z = latent(h)["z"]
    predicted = latent.code({"z": z.value}, h) @ slope
    log_weight = Normal(predicted, 0.5).log_prob(torch.tensor(x)) + z.log_p - z.log_q
    evidence = stats.norm(0, math.sqrt(1.25 + 0.25)).pdf(x)
    assert_mean(log_weight.double().exp() / evidence, 1.0)


def test_without_flows_it_is_a_gaussian() -> None:
    latent, h = PlanarFlow(6, size=3, flows=0), torch.randn(8, 6)
    z = latent(h)["z"]
    assert torch.equal(latent.code({"z": z.value}, h), z.value)
    assert torch.allclose(z.log_p, Normal(0.0, 1.0).log_prob(z.value).sum(-1), atol=1e-5)
    assert torch.equal(latent.mean(h), latent.location(h))
    assert torch.equal(latent.penalty("band", h, {"z": z}), torch.zeros(8))


def test_normalised_heads_have_mean_0_and_variance_1_over_the_batch() -> None:
    latent = PlanarFlow(6, size=3, batch_norm=True)
    for h in (torch.randn(50, 6) + 3, torch.randn(5, 20, 6) + 3):
        for head in (latent.location, latent.log_variance):
            rows = head(h).detach().reshape(-1, 3)
            assert torch.allclose(rows.mean(0), torch.zeros(3), atol=1e-5)
            assert torch.allclose(rows.var(0, correction=0), torch.ones(3), atol=1e-2)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("shape", [(), (1,), (5,), (3, 5), (5, 1), (2, 5, 3)])
def test_normalised_heads_take_every_batch_shape(training: bool, shape: tuple[int, ...]) -> None:
    latent = PlanarFlow(6, size=3, batch_norm=True).train(training)
    z = latent(torch.randn(*shape, 6))["z"]
    assert z.value.shape == (*shape, 3)
    assert z.kl.isfinite().all()


def trained_heads() -> PlanarFlow:
    latent = PlanarFlow(6, size=3, batch_norm=True)
    for _ in range(30):
        latent(2 * torch.randn(50, 6) + 3)
    return latent


def test_at_evaluation_and_alone_a_sentence_is_scored_by_running_averages() -> None:
    latent, h = trained_heads(), 2 * torch.randn(7, 6) + 3
    alone = [latent.location(row) for row in h]
    latent.eval()
    assert torch.allclose(latent.location(h), torch.stack(alone), atol=1e-6)
    assert_mean(latent.location(2 * torch.randn(5_000, 6) + 3), 0.0, rounding=0.1)


def test_at_evaluation_normalised_pairs_equal_the_double_loop() -> None:
    latent, h = trained_heads().eval(), torch.randn(5, 6)
    values = latent(torch.randn(4, 6))["z"].value
    pairs = latent(h.unsqueeze(1), {"z": values.unsqueeze(0)})["z"]
    for i in range(5):
        for j in range(4):
            one = latent(h[i], {"z": values[j]})["z"]
            assert pairs.log_q[i, j].item() == pytest.approx(one.log_q.item(), abs=1e-3)
            assert pairs.log_p[i, j].item() == pytest.approx(one.log_p.item(), abs=1e-4)


def test_state_holds_running_averages_and_centres() -> None:
    latent, again = trained_heads(), PlanarFlow(6, size=3, batch_norm=True)
    latent.penalty("band", torch.zeros(9, 6), scored(torch.randn(9, 3)))
    again.load_state_dict(latent.state_dict())
    h = torch.randn(9, 6)
    assert torch.equal(again.eval().mean(h), latent.eval().mean(h))
    assert torch.equal(again.centres, latent.centres)


def test_codes_that_follow_the_prior_cost_no_discrepancy_on_average() -> None:
    latent = bent(size=8)
    found = [latent.penalty("mmd", torch.zeros(64), scored(latent.prior_sample((64,))["z"])) for _ in range(200)]
    assert_mean(torch.stack(found).detach(), 0.0, errors=3.0)
    assert latent.penalty("mmd", torch.zeros(64), scored(3 * torch.randn(64, 8))) > 0.1


def test_band_is_the_printed_sum() -> None:
    latent, z = bent(size=3, centres=4), torch.randn(5, 3)
    found = latent.eval().penalty("band", torch.zeros(5, 6), scored(z))
    for row, value in zip(z, found, strict=True):
        expected = 0.0
        for entering in latent.flow.entering(row):
            nearest = min((entering - centre).square().sum().item() for centre in latent.centres)
            expected += math.log(sum(2 * 3 * s / (2 * 3 * s + nearest) for s in SCALES))
        assert value.item() == pytest.approx(expected, abs=1e-4)


def test_band_pushes_codes_away_from_the_nearest_centre() -> None:
    latent = PlanarFlow(6, size=2, flows=1, centres=1).eval()
    z = torch.randn(9, 2, requires_grad=True)
    push = -torch.autograd.grad(latent.penalty("band", torch.zeros(9, 6), scored(z)).sum(), z)[0]
    assert ((z - latent.centres) * push).sum(-1).min() > 0


def test_centres_follow_the_clusters_of_the_codes_in_training_alone() -> None:
    latent = PlanarFlow(6, size=2, centres=2)
    latent.centres = torch.tensor([[0.0, 1.0], [0.0, -1.0]])
    clusters = torch.tensor([[5.0, 5.0], [-5.0, -4.0]])
    latent.eval().penalty("band", torch.zeros(8, 6), scored(clusters))
    assert torch.equal(latent.centres, torch.tensor([[0.0, 1.0], [0.0, -1.0]]))
    latent.train()
    for _ in range(200):
        z = clusters.repeat_interleave(4, 0) + 0.1 * torch.randn(8, 2)
        latent.penalty("band", torch.zeros(8, 6), scored(z.requires_grad_())).sum().backward()
    assert torch.allclose(latent.centres, clusters, atol=0.1)


def test_a_centre_with_no_code_near_stays() -> None:
    latent = PlanarFlow(6, size=2, centres=2)
    latent.centres = torch.tensor([[0.0, 0.0], [90.0, 90.0]])
    latent.penalty("band", torch.zeros(8, 6), scored(torch.ones(8, 2)))
    assert torch.allclose(latent.centres, torch.tensor([[0.1, 0.1], [90.0, 90.0]]))
