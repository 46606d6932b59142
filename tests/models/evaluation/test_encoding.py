"""Sentences as vectors."""

import pytest
import torch

from tests.support import models
from uncollapse.models.evaluation.encoding import encode, sentence_rows


def batches() -> list:
    return [models.batch([3, 8, 5], seed=1), models.batch([4, 9], seed=2)]


@pytest.mark.parametrize("name", models.WITH_LATENT)
def test_a_row_a_sentence_whatever_the_padding(name: str) -> None:
    model = models.model(name)
    found = encode(model, batches(), draws=3, seed=0)
    size = model.latent.code_size
    assert found.means.shape == (5, size)
    assert found.draws.shape == (3, 5, size)
    assert found.labels is not None
    assert found.labels.tolist() == [0, 1, 2, 0, 1]
    assert found.off is None or found.off.shape == (5, size)
    longer = encode(model, [models.padded(batch, 3) for batch in batches()], draws=3, seed=0)
    torch.testing.assert_close(longer.means, found.means, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(longer.features, found.features, atol=1e-5, rtol=1e-4)


def test_draws_come_from_their_seed_and_leave_the_generator_alone() -> None:
    model = models.model("seqvae").train()
    state = torch.get_rng_state()
    first = encode(model, batches(), draws=2, seed=4)
    assert torch.equal(torch.get_rng_state(), state)
    assert model.training
    assert torch.equal(encode(model, batches(), draws=2, seed=4).draws, first.draws)
    assert not torch.equal(encode(model, batches(), draws=2, seed=5).draws, first.draws)
    assert not torch.equal(first.draws[0], first.draws[1])


def test_codes_of_tokens_are_averaged_over_the_words_of_their_sentence() -> None:
    model = models.model("vat")
    batch = models.batch([2, 4])
    values = torch.randn(2, 4, 6)
    rows = sentence_rows(model, batch, values)
    torch.testing.assert_close(rows, torch.stack([values[0, :2].mean(0), values[1].mean(0)]))
