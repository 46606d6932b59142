"""The language model's latent."""

import torch

from uncollapse.models.latents.none import None_


def test_it_has_no_variables_and_a_code_of_zeros() -> None:
    latent, h = None_(6, size=5), torch.randn(3, 2, 6)
    assert latent(h) == {}
    assert latent(h, {}) == {}
    assert latent.prior_sample((3,)) == {}
    assert torch.equal(latent.code({}, h), torch.zeros(3, 2, 5))
    assert not list(latent.parameters())
