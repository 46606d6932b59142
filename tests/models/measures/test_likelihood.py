"""Importance-weighted likelihood where it is known, and perplexity."""

import math

import pytest
import torch
from torch.distributions import Normal

from tests.support.statistics import assert_mean
from uncollapse.models.measures.likelihood import importance_weighted_nll, log_mean_exp, perplexities, perplexity


def log_weights(x: torch.Tensor, samples: int, width: float) -> torch.Tensor:
    """log p(x, z) - log q(z|x) for p(z) = N(0, I), p(x|z) = N(z, I), and q as wide as the posterior times `width`."""
    posterior = Normal(x / 2, width * math.sqrt(0.5))
    z = posterior.sample((samples,))
    scores = Normal(0.0, 1.0).log_prob(z) + Normal(z, 1.0).log_prob(x) - posterior.log_prob(z)
    return scores.sum(-1)


@pytest.mark.parametrize("samples", [1, 2, 50])
def test_an_exact_posterior_gives_the_exact_likelihood_for_any_number_of_samples(samples: int) -> None:
    x = math.sqrt(2.0) * torch.randn(20, 3).double()
    exact = -Normal(0.0, math.sqrt(2.0)).log_prob(x).sum(-1)
    assert torch.allclose(importance_weighted_nll(log_weights(x, samples, 1.0)), exact)


@pytest.mark.parametrize(("width", "tight"), [(1.2, 0.01), (0.7, 0.75)])
def test_more_samples_tighten_the_bound_on_average(width: float, tight: float) -> None:
    x = math.sqrt(2.0) * torch.randn(300, 32).double()
    exact = -Normal(0.0, math.sqrt(2.0)).log_prob(x).sum(-1)
    gaps = [importance_weighted_nll(log_weights(x, samples, width)) - exact for samples in (1, 10, 500)]
    assert_mean(gaps[0], 32 * 0.5 * (width**2 - 1 - 2 * math.log(width)))
    assert gaps[0].mean() > gaps[1].mean() > gaps[2].mean()
    assert gaps[2].mean() < tight


def test_one_sample_is_the_elbo_and_large_weights_do_not_overflow() -> None:
    weights = torch.randn(1, 5) - 1e4
    assert torch.equal(importance_weighted_nll(weights), -weights[0].double())
    assert log_mean_exp(torch.tensor([1e4, 1e4])).item() == pytest.approx(1e4)
    assert log_mean_exp(torch.tensor([[0.0, math.log(3.0)]]), dim=1).item() == pytest.approx(math.log(2))


def test_perplexity_of_a_unigram_on_the_penn_treebank() -> None:
    assert perplexity(141.6, 1) == pytest.approx(math.exp(141.6))
    assert math.exp(141.6 / 21.917) == pytest.approx(639, abs=1)
    assert perplexity(1416.0 * 1000, 219_170) == pytest.approx(639, abs=1)


@pytest.mark.parametrize(
    "weights", [torch.zeros(0, 3), torch.zeros(3), torch.tensor([[math.nan]]), torch.tensor([[-math.inf]])]
)
def test_unfit_weights_are_refused(weights: torch.Tensor) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        importance_weighted_nll(weights)


@pytest.mark.parametrize(("total", "tokens"), [(1.0, 0), (math.nan, 3), (math.inf, 3), (1e6, 1)])
def test_unfit_totals_are_refused(total: float, tokens: int) -> None:
    with pytest.raises(ValueError, match=r"^Perplexity .*\.$"):
        perplexity(total, tokens)


def test_perplexity_by_every_convention() -> None:
    """The unigram of the Penn Treebank's test set: 20.917 words a sentence and 141.6 nats."""
    found = perplexities(141.6 * 1_000, sentences=1_000, words=20_917)
    assert found == {
        "words_and_eos": pytest.approx(math.exp(141.6 / 21.917)),
        "words": pytest.approx(math.exp(141.6 / 20.917)),
        "words_bos_eos": pytest.approx(math.exp(141.6 / 22.917)),
    }
    assert found["words_and_eos"] == pytest.approx(639, abs=1)
    assert found["words"] > found["words_and_eos"] > found["words_bos_eos"]


def test_sentences_without_words_have_no_perplexity_per_word() -> None:
    with pytest.raises(ValueError, match="one token or more"):
        perplexities(3.0, sentences=4, words=0)
