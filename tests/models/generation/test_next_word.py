"""The next word's distribution is the one that the likelihood charges. Shapes: B sentences, t words so far."""

import math
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.models.generation import tiny_models
from uncollapse.models.batch import BOS, PAD, Batch
from uncollapse.models.generation import posterior
from uncollapse.models.generation.codes import Codes
from uncollapse.models.generation.next_word import log_next
from uncollapse.models.measures.checks import NotFinite
from uncollapse.models.text_vae import TextVAE

WORDS = tiny_models.batch([4, 7, 2])


TOLD: Mapping[str, dict[str, Any]] = {
    "bag": {"inputs": {"bag_size": 5}},
    "label": {"inputs": {"label_size": 3}},
    "both": {"inputs": {"bag_size": 5, "label_size": 3}},
    "neither words nor BOS": {"inputs": {"words": False, "bos": False}},
    "convolutional": {"decoder": {"kind": "convolutional", "field": 3}},
}


def charged(model: TextVAE, batch: Batch, codes: Codes) -> Tensor:
    """log p of every word of a batch given those before it, read off as the likelihood reads it: (B, T, V)."""
    states = model.decoder(model.inputs.for_decoder(batch), batch.mask, codes.values)
    return model.output.logits(states).log_softmax(-1)


def follows_the_likelihood(model: TextVAE) -> None:
    codes = posterior.at_mean(model, WORDS)
    expected = charged(model, WORDS, codes)
    for row, length in enumerate(WORDS.lengths.tolist()):
        for step in range(length):
            said = WORDS.tokens[row : row + 1, :step]
            found = log_next(model, codes.rows(torch.tensor([row])), said)
            sayable = [word for word in range(expected.shape[-1]) if word not in (PAD, BOS)]
            torch.testing.assert_close(found[0, sayable], expected[row, step, sayable], atol=1e-5, rtol=1e-5)
            assert (found[0, [PAD, BOS]] == -math.inf).all()


@pytest.mark.parametrize("name", tiny_models.EVERY)
def test_along_a_sentence_it_is_what_the_likelihood_charges(name: str) -> None:
    with torch.inference_mode():
        follows_the_likelihood(tiny_models.model(name))


@pytest.mark.parametrize("case", TOLD)
def test_so_it_is_whatever_the_decoder_is_told_beside(case: str) -> None:
    with torch.inference_mode():
        follows_the_likelihood(tiny_models.model("seqvae", **TOLD[case]))


def test_a_bag_stays_the_sources_beyond_its_length() -> None:
    model = tiny_models.model("seqvae", **TOLD["bag"])
    with torch.inference_mode():
        short = tiny_models.batch([3])
        codes = posterior.at_mean(model, short)
        said = torch.full((1, 6), 5)
        beyond = log_next(model, codes, said)
        assert model.inputs.bag is not None
        bag = model.inputs.bag.project(model.inputs.table(short.tokens[0, :2]).mean(0))
        heard = model.inputs.table(torch.cat([torch.tensor([[BOS]]), said], 1))
        told = torch.cat([heard, bag.expand(1, 7, -1)], -1)
        states = model.decoder(told, torch.ones(1, 7, dtype=torch.bool), codes.values)
        expected = model.output.logits(states[:, -1]).log_softmax(-1)
    torch.testing.assert_close(beyond[:, 3:], expected[:, 3:])


def test_a_label_changes_what_is_said() -> None:
    model = tiny_models.model("seqvae", **TOLD["label"])
    with torch.inference_mode():
        codes = posterior.at_mean(model, WORDS)
        one, other = (Codes(codes.values, labels=torch.full((3,), label)) for label in (0, 1))
        said = WORDS.tokens[:, :1]
        assert not torch.allclose(log_next(model, one, said), log_next(model, other, said), atol=1e-3)


def test_an_inputless_decoder_does_not_hear_its_own_words() -> None:
    deaf = tiny_models.model("seqvae", inputs={"words": False})
    hearing = tiny_models.model("seqvae")
    for model, same in ((deaf, True), (hearing, False)):
        with torch.inference_mode():
            codes = posterior.at_mean(model, WORDS)
            one = log_next(model, codes, torch.tensor([[4, 4]] * 3))
            other = log_next(model, codes, torch.tensor([[5, 6]] * 3))
        assert torch.equal(one, other) == same


def test_scores_that_are_not_finite_are_refused() -> None:
    model = tiny_models.model("seqvae")
    with torch.no_grad():
        codes = posterior.at_mean(model, WORDS)
        model.output.logits.bias.fill_(math.nan)
        with pytest.raises(NotFinite, match="finite scores"):
            log_next(model, codes, WORDS.tokens[:, :1])
