"""Mutual information on collapsed, perfect, duplicated and known posteriors, and on the latents."""

import math

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal

from tests.support.statistics import assert_mean
from uncollapse.models.latents.gaussian import Gaussian
from uncollapse.models.latents.none import None_
from uncollapse.models.latents.spike_slab import SpikeSlab
from uncollapse.models.latents.vmf import VMF
from uncollapse.models.measures.checks import NotFinite
from uncollapse.models.measures.information import PairScore, joint_log_q, mi_batch, mutual_information


def gaussian_scores(means: Tensor, std: float) -> PairScore:
    values = means + std * torch.randn_like(means)
    return lambda i, j: Normal(means[i].unsqueeze(1), std).log_prob(values[j].unsqueeze(0)).sum(-1)


def table(scores: Tensor) -> PairScore:
    return lambda i, j: scores[i, j]


@pytest.mark.parametrize("chunk", [1, 7, 256])
def test_equal_posteriors_carry_nothing(chunk: int) -> None:
    assert abs(mutual_information(gaussian_scores(torch.zeros(100, 32), 0.1), 100, chunk)) < 1e-12


def test_separated_posteriors_carry_log_n_and_never_more() -> None:
    means = 100 * torch.arange(300.0).unsqueeze(1)
    value = mutual_information(gaussian_scores(means, 1.0), 300)
    assert value == pytest.approx(math.log(300))
    assert value <= math.log(300) + 1e-12
    assert mutual_information(gaussian_scores(torch.randn(300, 32), 0.05), 300) <= math.log(300) + 1e-12


def test_duplicated_sentences_carry_log_of_the_distinct() -> None:
    means = 100 * torch.arange(50.0).repeat(4).unsqueeze(1)
    assert mutual_information(gaussian_scores(means, 1.0), 200) == pytest.approx(math.log(50))


def test_a_gaussian_channel_has_its_capacity() -> None:
    """x ~ N(0, v), z | x ~ N(x, 1): I = log(1 + v) / 2."""
    means = math.sqrt(3.0) * torch.randn(3_000, 1)
    assert mutual_information(gaussian_scores(means, 1.0), 3_000) == pytest.approx(0.5 * math.log(4), abs=0.05)


def test_chunks_do_not_matter_and_it_is_the_formula() -> None:
    scores = gaussian_scores(torch.randn(30, 2), 0.5)
    everything = scores(slice(0, 30), slice(0, 30)).double()
    expected = (everything.diagonal() - everything.logsumexp(0)).mean().item() + math.log(30)
    for chunk in (1, 7, 30, 1_000):
        assert mutual_information(scores, 30, chunk) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("kind", [Gaussian, VMF, SpikeSlab])
def test_latents_are_scored_jointly_and_collapse_to_zero(kind: type[Gaussian | VMF | SpikeSlab]) -> None:
    latent = kind(6, size=4)
    h = 3 * torch.randn(200, 6)
    with torch.inference_mode():
        drawn = {name: variable.value for name, variable in latent(h).items()}
        value = mutual_information(joint_log_q(latent, h, drawn), 200, chunk=64)
        assert 0.5 < value <= math.log(200)
        pairs = latent(h.unsqueeze(1), {name: z.unsqueeze(0) for name, z in drawn.items()})
        joint = sum(variable.log_q for variable in pairs.values()).double()
        assert value == pytest.approx((joint.diagonal() - joint.logsumexp(0)).mean().item() + math.log(200), abs=1e-5)
        same = torch.ones(200, 6)
        drawn = {name: variable.value for name, variable in latent(same).items()}
        assert abs(mutual_information(joint_log_q(latent, same, drawn), 200)) < 1e-6


def test_a_language_model_carries_nothing() -> None:
    assert abs(mutual_information(joint_log_q(None_(6), torch.randn(20, 6), {}), 20)) < 1e-12


def test_unfit_scores_are_refused() -> None:
    with pytest.raises(ValueError, match="two sentences"):
        mutual_information(gaussian_scores(torch.zeros(1, 1), 1.0), 1)
    with pytest.raises(ValueError, match="finite"):
        mutual_information(lambda i, j: torch.full((3, 3), math.nan), 3)


def test_in_batches_equal_posteriors_carry_nothing() -> None:
    assert abs(mi_batch(gaussian_scores(torch.zeros(100, 32), 0.1), 100)) < 1e-12


def test_in_batches_separated_posteriors_carry_log_32() -> None:
    scores = gaussian_scores(100 * torch.arange(320.0).unsqueeze(1), 1.0)
    assert mi_batch(scores, 320) == pytest.approx(math.log(32))
    assert mutual_information(scores, 320) == pytest.approx(math.log(320))
    assert mi_batch(scores, 320, size=320) == pytest.approx(math.log(320))


def test_a_short_last_batch_counts_its_sentences_at_its_own_ceiling() -> None:
    scores = gaussian_scores(100 * torch.arange(72.0).unsqueeze(1), 1.0)
    assert mi_batch(scores, 72) == pytest.approx((64 * math.log(32) + 8 * math.log(8)) / 72)
    alone = gaussian_scores(100 * torch.arange(33.0).unsqueeze(1), 1.0)
    assert mi_batch(alone, 33) == pytest.approx(32 * math.log(32) / 33)


def test_in_batches_it_is_the_mean_over_sentences_of_the_information_inside_each() -> None:
    means = torch.randn(70, 3)
    values = means + 0.5 * torch.randn_like(means)
    parts = []
    for start in (0, 32, 64):
        batch = slice(start, min(start + 32, 70))
        scores = Normal(means[batch].unsqueeze(1), 0.5).log_prob(values[batch].unsqueeze(0)).sum(-1).double()
        parts.append(scores.diagonal() - scores.logsumexp(0) + math.log(len(scores)))
    everything = Normal(means.unsqueeze(1), 0.5).log_prob(values.unsqueeze(0)).sum(-1)
    assert mi_batch(table(everything), 70) == pytest.approx(torch.cat(parts).mean().item(), abs=1e-12)


def test_the_drawn_first_term_agrees_with_the_closed_form_of_he_et_al() -> None:
    """Within 4 standard errors of the difference, over draws of the same posteriors."""
    means, std = torch.randn(64, 4), 0.7
    gaps = []
    for _ in range(60):
        values = means + std * torch.randn_like(means)
        scores = Normal(means.unsqueeze(1), std).log_prob(values.unsqueeze(0)).sum(-1).double()
        mixtures = torch.cat([scores[i : i + 32, i : i + 32].logsumexp(0) - math.log(32) for i in (0, 32)])
        closed = -4 * (0.5 * math.log(2 * math.pi) + math.log(std) + 0.5)
        drawn = mi_batch(table(scores), 64)
        gaps.append(drawn - (closed - mixtures.mean().item()))
    assert_mean(torch.tensor(gaps), 0.0)


def test_duplicated_sentences_hide_information_only_inside_a_batch() -> None:
    """Adversarial: with neighbours alike the batches see nothing, strangers' batches all that is there."""
    neighbours = 100 * torch.arange(10.0).repeat_interleave(32).unsqueeze(1)
    assert abs(mi_batch(gaussian_scores(neighbours, 1.0), 320)) < 1e-12
    assert mutual_information(gaussian_scores(neighbours, 1.0), 320) == pytest.approx(math.log(10))


@pytest.mark.parametrize(("count", "size"), [(1, 32), (10, 1)])
def test_batches_without_pairs_are_refused(count: int, size: int) -> None:
    with pytest.raises(ValueError, match=r"two sentences.*\.$"):
        mi_batch(gaussian_scores(torch.zeros(count, 1), 1.0), count, size)


def test_unfit_scores_are_refused_in_batches() -> None:
    with pytest.raises(NotFinite, match="finite"):
        mi_batch(lambda i, j: torch.full((3, 3), math.nan), 3)
