"""Cosines of features and of token codes against their double loops."""

import math

import pytest
import torch
from torch import Tensor

from uncollapse.models.measures.geometry import (
    intra_sentence_similarity,
    isotropy,
    pairwise_cosine,
    random_pair_cosine,
    self_similarity,
)


def test_it_equals_the_double_loop() -> None:
    features = torch.randn(40, 7).double() + 0.3
    pairs = [torch.cosine_similarity(features[i], features[j], dim=0) for i in range(40) for j in range(i)]
    assert pairwise_cosine(features) == pytest.approx(torch.stack(pairs).mean().item(), abs=1e-12)


def test_duplicated_opposed_and_orthogonal_features() -> None:
    row = torch.randn(1, 5)
    assert pairwise_cosine(row * torch.rand(9, 1)) == pytest.approx(1)
    assert pairwise_cosine(torch.cat([row, -2 * row])) == pytest.approx(-1)
    assert pairwise_cosine(torch.eye(6)) == pytest.approx(0, abs=1e-12)


def test_zero_features_have_cosine_zero() -> None:
    assert pairwise_cosine(torch.zeros(5, 3)) == 0
    assert pairwise_cosine(torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 0.0]])) == pytest.approx(1 / 3)


@pytest.mark.parametrize("features", [torch.randn(1, 4), torch.tensor([[math.inf, 1.0], [0.0, 1.0]])])
def test_unfit_features_are_refused(features: torch.Tensor) -> None:
    with pytest.raises(ValueError, match=r"^A measure needs .*\.$"):
        pairwise_cosine(features)


def tokens(count: int = 60) -> tuple[Tensor, Tensor, Tensor]:
    """Codes, sentences and types; some types repeat in a sentence, some stand in one sentence only."""
    generator = torch.Generator().manual_seed(1)
    codes = torch.randn(count, 5, generator=generator).double() + 0.2
    sentences = torch.randint(0, 9, (count,), generator=generator) * 7 + 3
    types = torch.randint(0, 12, (count,), generator=generator)
    types[:2], sentences[:2] = 99, 3  # twice, but in one sentence
    return codes, sentences, types


def cosine_of(first: Tensor, second: Tensor) -> float:
    return torch.cosine_similarity(first, second, dim=0).item()


def test_random_pairs_are_all_pairs_of_different_sentences() -> None:
    codes, sentences, _ = tokens()
    pairs = [cosine_of(codes[i], codes[j]) for i in range(60) for j in range(i) if sentences[i] != sentences[j]]
    assert random_pair_cosine(codes, sentences) == pytest.approx(sum(pairs) / len(pairs), abs=1e-12)


def test_self_similarity_is_the_double_loop_over_occurrences_in_different_sentences() -> None:
    codes, sentences, types = tokens()
    found = {}
    for kind in types.unique().tolist():
        rows = (types == kind).nonzero().squeeze(1).tolist()
        pairs = [cosine_of(codes[i], codes[j]) for i in rows for j in rows if i < j and sentences[i] != sentences[j]]
        if pairs:
            found[kind] = sum(pairs) / len(pairs)
    assert 99 not in found
    value, count = self_similarity(codes, sentences, types)
    assert count == len(found)
    assert value == pytest.approx(sum(found.values()) / len(found), abs=1e-12)


def test_intra_sentence_similarity_is_the_mean_of_sentences() -> None:
    codes, sentences, _ = tokens()
    means = []
    for sentence in sentences.unique():
        rows = codes[sentences == sentence]
        means.append(sum(cosine_of(row, rows.mean(0)) for row in rows) / len(rows))
    assert intra_sentence_similarity(codes, sentences) == pytest.approx(sum(means) / len(means), abs=1e-12)


def test_word_codes_without_context_are_self_similar_and_isotropic() -> None:
    """Good: a random direction for each word. Pairs of strangers have cosine 0 within 4 / sqrt(C * types)."""
    table = torch.randn(400, 300)
    types = torch.randint(0, 400, (2_000,))
    found = isotropy(table[types], torch.arange(2_000) // 10, types)
    assert found.self_similarity == pytest.approx(1)
    assert abs(found.random_pairs - 1 / 400) < 0.003
    assert found.intra_sentence == pytest.approx(1 / math.sqrt(10), abs=0.01)
    assert 380 < found.types <= 400


def test_codes_that_say_the_sentence_alone_collapse_inside_it() -> None:
    """Adversarial, VAT's collapse at a large prior scale: all words of a sentence alike."""
    sentences, types = torch.arange(2_000) // 10, torch.randint(0, 50, (2_000,))
    found = isotropy(torch.randn(200, 300)[sentences], sentences, types)
    assert found.intra_sentence == pytest.approx(1)
    assert abs(found.self_similarity) < 0.01
    assert abs(found.random_pairs) < 0.01


def test_dead_codes_are_alike_everywhere() -> None:
    codes, sentences, types = tokens()
    found = isotropy(torch.full_like(codes, 0.3), sentences, types)
    assert found[:3] == pytest.approx((1, 1, 1))
    assert isotropy(torch.zeros_like(codes), sentences, types)[:3] == (0, 0, 0)


def test_length_and_order_of_codes_do_not_matter_between_sentences() -> None:
    codes, sentences, types = tokens()
    order, scales = torch.randperm(60), torch.rand(60, 1).double() + 0.1
    assert random_pair_cosine((codes * scales)[order], sentences[order]) == pytest.approx(
        random_pair_cosine(codes, sentences), abs=1e-12
    )
    assert self_similarity((codes * scales)[order], sentences[order], types[order])[0] == pytest.approx(
        self_similarity(codes, sentences, types)[0], abs=1e-12
    )


def test_words_of_one_sentence_or_met_once_are_refused() -> None:
    with pytest.raises(ValueError, match=r"two sentences.*\.$"):
        random_pair_cosine(torch.randn(4, 3), torch.zeros(4))
    with pytest.raises(ValueError, match=r"two sentences.*\.$"):
        self_similarity(torch.randn(4, 3), torch.arange(4), torch.arange(4))
