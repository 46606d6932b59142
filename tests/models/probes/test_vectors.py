"""One vector a sentence, of every model that has one."""

import pytest
import torch

from tests.support import models
from uncollapse.models.probes.vectors import OF_TOKENS, VECTORS, offered, usual, words

BATCH = models.batch([6, 4, 2])


@pytest.mark.parametrize("name", models.EVERY)
def test_every_model_with_an_encoder_has_vectors_that_padding_does_not_change(name: str) -> None:
    model = models.model(name).eval()
    assert set(usual(model)) <= set(offered(model)) <= set(VECTORS)
    for kind in offered(model):
        with torch.no_grad():
            found, longer = (VECTORS[kind](model, batch) for batch in (BATCH, models.padded(BATCH, 3)))
        assert found.dim() == 2
        assert torch.isfinite(found).all()
        torch.testing.assert_close(found, longer, atol=1e-5, rtol=1e-5)


def test_a_language_model_has_none() -> None:
    assert offered(models.model("lstm_lm")) == ()


def test_what_is_usual() -> None:
    assert usual(models.model("maxpool")) == ("code",)
    assert usual(models.model("vat")) == tuple(OF_TOKENS)
    assert "code" not in offered(models.model("vat"))


def test_token_vectors_of_vat_are_its_posterior_means() -> None:
    model = models.model("vat").eval()
    with torch.no_grad():
        means = model.latent.mean(model.encode(BATCH).pooled)
        found = {kind: VECTORS[kind](model, BATCH) for kind in offered(model)}
    torch.testing.assert_close(found["start"], means[:, 0])
    torch.testing.assert_close(found["sum"][1], means[1, :4].sum(0))
    torch.testing.assert_close(found["mean"][1], means[1, :4].mean(0))


def test_the_mean_embedding_leaves_eos_out() -> None:
    model = models.model("seqvae")
    table = model.inputs.table.weight
    torch.testing.assert_close(words(model, BATCH)[2], table[BATCH.tokens[2, 0]])
    alone = models.batch([1])
    assert words(model, alone).eq(0).all()
