"""Sampled sentences come as often as the model says. Shapes: N draws, V vocabulary."""

from collections import Counter
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.models.generation import tiny_models
from uncollapse.models.batch import BOS, EOS, PAD, UNK
from uncollapse.models.generation import posterior
from uncollapse.models.generation.codes import Codes
from uncollapse.models.generation.next_word import log_next
from uncollapse.models.generation.sampling import sample
from uncollapse.models.generation.search import greedy, no_words
from uncollapse.models.text_vae import TextVAE

DRAWS = 6000


def one_code(model: TextVAE) -> Codes:
    return posterior.at_mean(model, tiny_models.batch([4]))


def drawn(model: TextVAE, longest: int, seed: int = 0, draws: int = DRAWS, **options: Any) -> Tensor:
    codes = one_code(model).repeated(draws)
    before = torch.get_rng_state()
    said = sample(model, codes, longest, torch.Generator().manual_seed(seed), **options)
    assert torch.equal(before, torch.get_rng_state()), "the global generator is left alone"
    return said


def assert_shares(counts: Tensor, expected: Tensor) -> None:
    """Within 4 standard errors of a binomial share, and nothing where nothing is expected."""
    standard_error = (expected * (1 - expected) / DRAWS).sqrt()
    assert ((counts / DRAWS - expected).abs() <= 4 * standard_error + 1e-12).all()


@pytest.mark.parametrize("name", ["seqvae", "vat", "lstm_lm"])
def test_sentences_come_as_often_as_the_likelihood_says(name: str) -> None:
    model = tiny_models.model(name, sharpness=2.0)
    every = tiny_models.sentences(2)
    with torch.inference_mode():
        model.output.logits.bias[[PAD, BOS]] = -30.0  # what is never said has no share to hand out
        model.output.logits.bias[EOS] += 0.7
        log_p = tiny_models.log_p(model, one_code(model), 0, every)
        seen = Counter(tiny_models.spoken(row) for row in drawn(model, 2))
    assert_shares(torch.tensor([float(seen[words]) for words in every]), log_p.exp())
    assert sum(seen[words] for words in seen if EOS not in words) == DRAWS - sum(seen[words] for words in every)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_a_temperature_is_a_power_of_the_probabilities(temperature: float) -> None:
    model = tiny_models.model("seqvae")
    with torch.inference_mode():
        p = log_next(model, one_code(model), no_words(1, torch.device("cpu")))[0].double().exp() ** (1 / temperature)
        said = drawn(model, 1, temperature=temperature)[:, 0]
    assert_shares(torch.bincount(said, minlength=7).double(), p / p.sum())


def test_top_k_leaves_the_likeliest_words_in_their_proportions() -> None:
    model = tiny_models.model("seqvae")
    with torch.inference_mode():
        p = log_next(model, one_code(model), no_words(1, torch.device("cpu")))[0].double().exp()
        said = drawn(model, 1, top_k=2)[:, 0]
    kept = torch.where(p >= p.sort().values[-2], p, 0.0)
    assert_shares(torch.bincount(said, minlength=7).double(), kept / kept.sum())


@pytest.mark.parametrize("options", [{"top_k": 1}, {"temperature": 1e-4}])
def test_at_its_limits_it_is_greedy(options: dict[str, Any]) -> None:
    model = tiny_models.model("seqvae", seed=2)
    with torch.inference_mode():
        said = drawn(model, 5, draws=3, **options)
        expected = tiny_models.spoken(greedy(model, one_code(model), 5)[0])
    assert [tiny_models.spoken(row) for row in said] == [expected] * 3


def test_draws_follow_their_generator() -> None:
    model = tiny_models.model("seqvae")
    with torch.inference_mode():
        first, same, other = drawn(model, 4, 1, 50), drawn(model, 4, 1, 50), drawn(model, 4, 2, 50)
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_unknown_words_are_said_where_the_model_says_them() -> None:
    model = tiny_models.model("seqvae")
    with torch.inference_mode():
        model.output.logits.bias[UNK] = 1e4
        assert (drawn(model, 2, draws=5)[:, :2] == UNK).all()
