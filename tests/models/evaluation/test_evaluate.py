"""Evaluations: which measures, that they agree with each other, and that they leave everything as it was."""

import math
import random

import numpy as np
import pytest
import torch

from tests.support import models
from uncollapse.analysis.schema import MEASURES
from uncollapse.models.batch import Batch
from uncollapse.models.evaluation import forward_pass
from uncollapse.models.evaluation.evaluate import evaluate
from uncollapse.models.text_vae import Encoded, TextVAE

SOMETIMES = {
    *("nll_exact", "nll_published", "nll_label", "accuracy", "nll_dual", "kl_dual"),
    *("active_units_on_sphere", "ppl_words", "ppl_bos_words_eos"),
}
PROBED = {name for name in MEASURES if name.startswith(("class_", "swap_", "shuffle_", "code_to", "words_to"))} | {
    *("nll_iw_shuffled", "random_pair_cosine", "self_similarity", "intra_sentence_similarity"),
}
COMMON = {name for name in MEASURES if not name.startswith("kl_") and not name.endswith("_given_bag")}
COMMON -= SOMETIMES | PROBED
HABITS = {"ppl", "ppl_words", "ppl_bos_words_eos"}


def sentences() -> list[Batch]:
    """Ten sentences; made anew, since a batch keeps its mask and an evaluation makes that in inference mode."""
    return [models.batch([3, 8, 5, 4, 6, 7, 3], seed=1), models.batch([4, 9, 5], seed=2)]


@pytest.mark.parametrize("name", models.EVERY)
def test_every_measure_is_there_under_its_published_name(name: str) -> None:
    model = models.model(name)
    found = evaluate(model, sentences(), samples=3, seed=0)
    assert all(math.isfinite(value) for value in found.values())
    assert set(found) <= set(MEASURES) | {f"{habit}_given_bag" for habit in HABITS}
    if name not in models.WITH_LATENT:
        assert set(found) in ({"nll_exact"} | HABITS, {"nll_label", "accuracy"})
        return
    variables = {f"kl_{variable}" for variable in model.latent.variables}
    plain = {measure.removesuffix("_given_bag") for measure in found}
    assert plain - COMMON - variables <= SOMETIMES
    assert plain >= COMMON | variables
    assert ("nll_published" in plain) >= (model.pool.at == "latents")
    assert ("active_units_on_sphere" in plain) == model.latent.on_sphere


@pytest.mark.parametrize("name", models.WITH_LATENT)
def test_the_bound_is_reconstruction_plus_kl(name: str) -> None:
    model = models.model(name)
    found = {key.removesuffix("_given_bag"): value for key, value in evaluate(model, sentences(), 3, 0).items()}
    assert found["nll_elbo"] == pytest.approx(found["reconstruction"] + found["kl"], abs=1e-4)
    assert found["kl"] == pytest.approx(sum(found[f"kl_{variable}"] for variable in model.latent.variables))
    predicted = sum(int(model.output.targets(words).sum()) for words in sentences())
    assert found["ppl"] == pytest.approx(math.exp(found["nll_iw"] * 10 / predicted), rel=1e-5)
    if model.decoder.predicts == "words":
        assert found["ppl_bos_words_eos"] < found["ppl"] < found["ppl_words"]


def _plain(model: TextVAE, samples: int, seed: int) -> dict[str, float]:
    """Figures without what their names add where the decoder is shown the bag."""
    return {key.removesuffix("_given_bag"): v for key, v in evaluate(model, sentences(), samples, seed).items()}


@pytest.mark.parametrize("name", models.WITH_LATENT)
def test_more_samples_tighten_the_bound_on_average(name: str) -> None:
    model = models.model(name)
    bounds = np.array([[_plain(model, k, seed)["nll_iw"] for k in (1, 16)] for seed in range(12)])
    gap = bounds[:, 0] - bounds[:, 1]
    assert gap.mean() > -3 * gap.std() / math.sqrt(12)
    elbo = np.mean([_plain(model, 1, seed)["nll_elbo"] for seed in range(12)])
    assert bounds[:, 1].mean() <= elbo + 3 * bounds[:, 0].std() / math.sqrt(12)


def test_a_language_model_is_measured_exactly() -> None:
    model = models.model("lstm_lm")
    found = evaluate(model, sentences(), samples=3, seed=0)
    assert found == evaluate(model, sentences(), samples=30, seed=9)
    model.eval()
    nll = torch.cat([-model.decode(words, torch.zeros(len(words.tokens), 6)) for words in sentences()])
    assert found["nll_exact"] == pytest.approx(nll.mean().item(), rel=1e-6)
    assert found["ppl"] == pytest.approx(math.exp(nll.sum().item() / 54), rel=1e-6)


def deaf(model: TextVAE) -> TextVAE:
    """A decoder that does not listen to its code."""
    with torch.no_grad():
        model.decoder.to_state.weight.zero_()
        model.decoder.rnn.weight_ih_l0[:, model.inputs.decoder_size :] = 0.0
    return model


def test_a_decoder_that_ignores_its_code_gains_nothing_from_it() -> None:
    found = evaluate(deaf(models.model("seqvae")), sentences(), samples=2, seed=0)
    assert found["latent_gain"] == pytest.approx(0.0, abs=1e-4)


def echo(name: str) -> TextVAE:
    """A model trained without a KL to repeat a few sentences from their codes."""
    model = models.model(name)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(60):
        optimizer.zero_grad()
        sum(model.trace(words).reconstruction.mean() for words in sentences()).backward()
        optimizer.step()
    return model


@pytest.mark.parametrize("name", ["seqvae", "vmf"])
def test_a_decoder_that_listens_loses_with_a_strangers_code(name: str) -> None:
    model = echo(name)
    found = evaluate(model, sentences(), samples=2, seed=0)
    assert found["latent_gain"] > 1.0
    assert 0.5 < found["mi"] <= math.log(10) + 1e-6


@pytest.mark.parametrize("name", ["seqvae", "vat"])
def test_the_gain_is_against_the_code_of_the_next_sentence_of_the_batch(name: str) -> None:
    model = models.model(name).eval()
    (words,) = sentences()[:1]
    with torch.inference_mode():
        torch.manual_seed(3)
        gathered = forward_pass.gather(model, [words], 1)
        torch.manual_seed(3)
        pooled = model.encode(words).pooled
        codes = model.code(model.latent(pooled), pooled)
        over_tokens = codes.dim() == 3
        for row, length in enumerate(words.lengths):
            alone = Batch(words.tokens[row : row + 1, :length], words.lengths[row : row + 1])
            strangers = codes[row - 1 : row or None]
            there = {}
            if over_tokens:
                count = words.lengths[row - 1]
                strangers, there = strangers[:, :count], {"code_mask": torch.ones(1, count, dtype=torch.bool)}
            own = model.decode(alone, codes[row : row + 1, :length] if over_tokens else codes[row : row + 1])
            gain = own - model.decode(alone, strangers, **there)
            torch.testing.assert_close(gathered.gain[0][row], gain[0], atol=1e-5, rtol=1e-4)


def test_a_perplexity_beyond_floats_is_left_out_and_the_likelihood_stays() -> None:
    model = models.model("lstm_lm")
    with torch.no_grad():
        model.output.logits.weight.mul_(1e6)
    found = evaluate(model, sentences(), samples=1, seed=0)
    assert set(found) == {"nll_exact"}
    assert 710 * 54 / 10 < found["nll_exact"] < math.inf


@pytest.mark.parametrize("name", ["seqvae", "vat", "lstm_lm"])
@pytest.mark.parametrize("training", [True, False])
def test_mode_weights_and_generators_are_left_as_they_were(name: str, training: bool) -> None:
    model = models.model(name).train(training)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    states = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()
    evaluate(model, sentences(), samples=2, seed=0)
    assert {module.training for module in model.modules()} == {training}
    assert torch.equal(torch.get_rng_state(), states[0])
    assert (np.random.get_state()[1].tolist(), random.getstate()) == states[1:]
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("name", models.EVERY)
def test_figures_depend_on_the_seed_and_on_nothing_that_ran_before(name: str) -> None:
    model = models.model(name)
    first = evaluate(model, sentences(), samples=2, seed=4)
    torch.randn(100)
    assert evaluate(model, sentences(), samples=2, seed=4) == first
    if name in models.WITH_LATENT:
        assert _plain(model, 2, 5)["nll_elbo"] != _plain(model, 2, 4)["nll_elbo"]


@pytest.mark.parametrize("rows", [1, 7, 14, 1000])
def test_samples_are_all_drawn_however_many_fit_at_once(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward_pass, "ROWS", rows)
    model = models.model("vat").eval()
    asked: list[int] = []
    drawn = model.log_weights

    def log_weights(words: Batch, encoded: Encoded, count: int) -> torch.Tensor:
        asked.append(count)
        return drawn(words, encoded, count)

    monkeypatch.setattr(model, "log_weights", log_weights)
    with torch.inference_mode():
        gathered = forward_pass.gather(model, sentences()[:1], 5)
    assert gathered.log_weights[0].shape == (5, 7)
    assert sum(asked) == 5
    assert max(asked) == max(1, min(5, rows // 7))


def test_codes_of_tokens_are_counted_without_padding() -> None:
    model = models.model("vat").eval()
    with torch.inference_mode():
        gathered = forward_pass.gather(model, sentences(), 1)
    tokens = sum(int(words.lengths.sum()) for words in sentences())
    assert gathered.targets == tokens
    rows = (gathered.codes, gathered.means, gathered.features, gathered.values["z"])
    assert {len(torch.cat(found)) for found in rows} == {tokens}


@pytest.mark.parametrize("name", models.WITH_LATENT)
def test_more_padding_changes_no_measure_that_needs_no_draw_over_steps(name: str) -> None:
    """Draws over (B, T) move with T, so a token-level model is held to what does not depend on them."""
    model = models.model(name)
    short = evaluate(model, sentences(), samples=2, seed=0)
    long = evaluate(model, [models.padded(words, 4) for words in sentences()], samples=2, seed=0)
    held = ("kl", "hoyer_mean", "hoyer_mean_centred", "active_units", "cosine") if model.pool.at == "tokens" else short
    assert {key: long[key] for key in held} == pytest.approx({key: short[key] for key in held}, rel=1e-3, abs=1e-4)


def test_order_of_batches_does_not_matter_to_a_language_model() -> None:
    model = models.model("lstm_lm")
    merged = [
        Batch(words.tokens[row : row + 1, : words.lengths[row]], words.lengths[row : row + 1])
        for words in reversed(sentences())
        for row in range(len(words.tokens))
    ]
    assert evaluate(model, merged, 1, 0) == pytest.approx(evaluate(model, sentences(), 1, 0), rel=1e-5)


def test_a_batch_that_was_measured_can_be_trained_on() -> None:
    model, words = models.model("seqvae"), models.batch([3, 5])
    evaluate(model, [words], 1, 0)
    model.trace(words).reconstruction.sum().backward()
