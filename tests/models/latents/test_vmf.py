"""What is peculiar to the von Mises-Fisher latent."""

from typing import Any

import pytest
import torch

from tests.support import models
from tests.support.statistics import assert_mean
from uncollapse.models.distributions.von_mises_fisher import concentration_for
from uncollapse.models.evaluation.evaluate import evaluate
from uncollapse.models.latents.vmf import VMF

# Size, kappa, the KL of one draw, three times that, and the formula of Guu et al.
AVERAGED = [(25, 25.0, 6.1, 18.3), (50, 35.0, 7.7, 23.2), (50, 80.0, 19.5, 58.6), (100, 40.0, 6.6, 19.7)]
GUU = [(25, 40.0, 9.7959, 9.8590), (50, 80.0, 19.5152, 19.5847), (100, 200.0, 47.0856, 47.2658)]


def test_kl_is_the_same_constant_for_every_sentence() -> None:
    kl = VMF(6, size=50, kappa=80.0)(torch.randn(9, 6))["z"].kl
    assert torch.equal(kl, kl[:1].expand(9))
    assert kl[0].item() == pytest.approx(19.515208, abs=1e-5)


def test_codes_are_unit_vectors_and_their_mean_is_shorter() -> None:
    latent, h = VMF(6, size=50, kappa=80.0), torch.randn(9, 6)
    assert torch.allclose(latent(h)["z"].value.norm(dim=-1), torch.ones(9), atol=1e-6)
    assert torch.allclose(latent.mean(h).norm(dim=-1), torch.full((9,), 0.738287), atol=1e-6)


@pytest.mark.parametrize(("size", "kappa"), [(2, 1e-3), (2, 1e4), (1024, 1e-3), (1024, 1e4)])
def test_corners_of_the_range_train_without_nan(size: int, kappa: float) -> None:
    latent = VMF(6, size=size, kappa=kappa)
    z = latent(torch.randn(64, 6))["z"]
    (z.value.square() @ torch.randn(size) + z.log_q).sum().backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in latent.parameters())
    assert all(score.isfinite().all() for score in (z.log_q, z.log_p, z.kl))
    assert (z.kl > 0).all()


@pytest.mark.parametrize(
    ("size", "target", "kappa"), [(25, 1.0, 7.5), (32, 5.0, 22.5), (50, 10.0, 42.6), (100, 30, 122)]
)
def test_a_target_kl_settles_the_concentration(size: int, target: float, kappa: float) -> None:
    latent = VMF(6, size=size, kappa=3.0, target_kl=target)
    assert latent.kappa == pytest.approx(kappa, rel=0.007)
    assert latent(torch.randn(6))["z"].kl.item() == pytest.approx(target, rel=1e-6)


def test_a_target_kl_settles_it_bit_for_bit() -> None:
    first = VMF(6, target_kl=17.0).kappa
    concentration_for.cache_clear()
    assert VMF(6, target_kl=17.0).kappa == first


def test_a_target_kl_out_of_reach_is_refused() -> None:
    with pytest.raises(ValueError, match=r"latent\.target_kl: .*from 2.5e-07 to 5.02 nats.*found 60"):
        VMF(6, size=2, target_kl=60.0)


@pytest.mark.parametrize(("size", "kappa", "one", "three"), AVERAGED)
def test_three_draws_cost_three_kls(size: int, kappa: float, one: float, three: float) -> None:
    h = torch.randn(4, 6)
    for draws, expected in ((1, one), (3, three)):
        latent = VMF(6, size=size, kappa=kappa, draws=draws)
        assert latent(h)["z"].kl[0].item() == pytest.approx(expected, abs=0.06)
        assert latent.published_kl(h, {}) is None


def test_the_code_is_the_mean_of_the_draws() -> None:
    latent, h = VMF(6, size=5, draws=3), torch.randn(7, 2, 6)
    z = latent(h)["z"].value
    assert z.shape == (7, 2, 15)
    parts = z.split(5, -1)
    assert all(torch.allclose(part.norm(dim=-1), torch.ones(7, 2), atol=1e-6) for part in parts)
    assert torch.allclose(latent.code({"z": z}, h), sum(parts) / 3, atol=1e-7)
    assert (latent.code({"z": z}, h).norm(dim=-1) < 1).all()


def test_importance_weights_are_exact_for_several_draws() -> None:
    latent = VMF(6, size=4, kappa=1.0, draws=3)
    rows = torch.randn(6).expand(40_000, 6)
    z = latent(rows)["z"]
    assert_mean((z.log_p - z.log_q).exp(), 1.0)
    prior = latent(rows, latent.prior_sample((40_000,)))["z"]
    assert_mean((prior.log_q - prior.log_p).exp(), 1.0)


@pytest.mark.parametrize(("size", "kappa", "one", "three"), AVERAGED)
def test_one_kl_is_charged_in_training_and_every_kl_when_measured(
    size: int, kappa: float, one: float, three: float
) -> None:
    latent, h = VMF(6, size=size, kappa=kappa, draws=3, charged="one"), torch.randn(4, 6)
    assert latent.train()(h)["z"].kl[0].item() == pytest.approx(one, abs=0.06)
    assert latent.eval()(h)["z"].kl[0].item() == pytest.approx(three, abs=0.06)
    published = latent.published_kl(h, {})
    assert published is not None
    assert published.shape == (4,)
    assert published[0].item() == pytest.approx(one, abs=0.06)


@pytest.mark.parametrize(("size", "kappa", "exact", "guu"), GUU)
def test_the_released_formula_is_charged_in_training_alone(size: int, kappa: float, exact: float, guu: float) -> None:
    h = torch.randn(4, 6)
    for draws, charged, factor in ((1, "every", 1), (3, "every", 3), (3, "one", 1)):
        latent = VMF(6, size=size, kappa=kappa, draws=draws, charged=charged, kl_formula="released")  # type: ignore[arg-type]
        assert latent.train()(h)["z"].kl[0].item() == pytest.approx(factor * guu, abs=factor * 6e-5)
        assert latent.eval()(h)["z"].kl[0].item() == pytest.approx(draws * exact, abs=draws * 6e-5)
        published = latent.published_kl(h, {})
        assert published is not None
        assert published[0].item() == pytest.approx(factor * guu, abs=factor * 6e-5)


def test_what_is_charged_changes_no_draw_and_no_density() -> None:
    found = []
    for charged, formula in (("every", "exact"), ("one", "released")):
        torch.manual_seed(0)
        latent = VMF(6, size=5, draws=3, charged=charged, kl_formula=formula)  # type: ignore[arg-type]
        found.append(latent(torch.randn(4, 6))["z"])
    for field in ("value", "log_q", "log_p"):
        assert torch.equal(getattr(found[0], field), getattr(found[1], field))


def test_a_measured_bound_charges_three_kls_and_the_published_figure_one() -> None:
    changes: dict[str, Any] = {"latent": {"kind": "vmf", "size": 6, "kappa": 5.0, "draws": 3, "charged": "one"}}
    measures = evaluate(models.model("vmf", **changes), [models.batch([4, 6, 3, 8])], samples=4, seed=0)
    one = VMF(6, size=6, kappa=5.0)(torch.randn(6))["z"].kl.item()
    assert measures["kl"] == pytest.approx(3 * one, rel=1e-5)
    assert measures["nll_elbo"] - measures["nll_published"] == pytest.approx(2 * one, rel=1e-3)


def test_norm_is_the_squared_distance_of_the_raw_direction_from_the_sphere() -> None:
    latent, h = VMF(6, size=5), torch.randn(9, 6)
    raw = h @ latent.direction.weight.T + latent.direction.bias
    assert torch.allclose(latent.penalty("norm", h, latent(h)), (raw.square().sum(-1).sqrt() - 1) ** 2, atol=1e-6)
    with pytest.raises(KeyError):
        latent.penalty("mmd", h, latent(h))
