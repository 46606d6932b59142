"""What is peculiar to the von Mises-Fisher latent."""

import pytest
import torch

from models.latents.vmf import VMF


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
