"""What is asked of a model, and what it refuses. Shapes: B sentences, S tokens, C code, T steps, K draws."""

from typing import Any, get_args

import pytest
import torch

from tests.models.generation import tiny_models
from tests.support import models
from uncollapse.models.batch import BOS, EOS, PAD, Batch
from uncollapse.models.generation import abilities, posterior, tasks
from uncollapse.models.generation.abilities import CannotGenerate, cannot, hears_labels
from uncollapse.models.generation.bag import likeliest
from uncollapse.models.generation.codes import Codes
from uncollapse.models.generation.decoding import BAG_WORDS, CUT, Decoding, Kind
from uncollapse.models.generation.search import greedy
from uncollapse.models.objective import Objective
from uncollapse.models.text_vae import TextVAE

WORDS = tiny_models.batch([4, 7, 2])
SHORT = Decoding(longest=6)
LENGTHS, LABELS = torch.tensor([2, 5, 3, 3]), torch.tensor([0, 1, 2, 0])
MADE = {
    "reconstruction": lambda model: tasks.reconstruct(model, WORDS, SHORT),
    "variation": lambda model: tasks.vary_sentence(model, WORDS, 2, SHORT),
    "variation of a token": lambda model: tasks.vary_token(model, tiny_models.batch([5]), 1, 3, SHORT),
    "prior samples": lambda model: tasks.from_prior(model, 4, SHORT, 0, LENGTHS, LABELS),
    "interpolation": lambda model: tasks.interpolate(model, tiny_models.batch([4, 6]), 5, SHORT),
}
ROWS = {
    "reconstruction": (3,),
    "variation": (3, 2),
    "variation of a token": (3,),
    "prior samples": (4,),
    "interpolation": (5,),
}


@pytest.mark.parametrize("name", tiny_models.EVERY)
def test_a_model_does_what_it_can_and_says_why_it_cannot(name: str) -> None:
    model = tiny_models.model(name)
    reasons = cannot(model)
    assert set(MADE) == set(abilities.TASKS)
    for task, make in MADE.items():
        if task in reasons:
            with pytest.raises(CannotGenerate, match=f"^{task}: "):
                make(model)
            continue
        said = make(model)
        assert said.shape[:-1] == ROWS[task]
        assert not (said == BOS).any()
        rows = [tiny_models.spoken(row) for row in said.flatten(0, -2)]
        assert all(len(row) == 6 if EOS not in row else row.index(EOS) == len(row) - 1 <= 6 for row in rows)


@pytest.mark.parametrize("name", ["seqvae", "vat", "vmf", "hsvae", "hrvae"])
def test_a_vae_can_do_all_but_vary_one_token_of_a_single_code(name: str) -> None:
    assert set(cannot(tiny_models.model(name))) == (set() if name == "vat" else {"variation of a token"})


def test_a_language_model_has_prior_samples_alone() -> None:
    assert set(abilities.TASKS) - set(cannot(tiny_models.model("lstm_lm"))) == {"prior samples"}


def test_an_autoencoder_reconstructs_and_interpolates_but_has_nothing_to_draw_from() -> None:
    model = tiny_models.model("seqvae", latent={"kind": "features"}, objective={})
    assert set(cannot(model)) == {"variation", "variation of a token", "prior samples"}
    assert tasks.reconstruct(model, WORDS, SHORT).shape[0] == 3


def test_a_decoder_that_is_shown_the_bag_has_no_prior_samples() -> None:
    model = tiny_models.model("seqvae", inputs={"bag_size": 5})
    assert set(cannot(model)) == {"variation of a token", "prior samples", "interpolation"}
    with pytest.raises(CannotGenerate, match="the bag of the very words"):
        tasks.from_prior(model, 2, SHORT)


def test_a_classifier_says_nothing() -> None:
    model = tiny_models.model("seqvae", latent={"kind": "features"}, decoder={"kind": "classifier"}, objective={})
    assert set(cannot(model)) == set(abilities.TASKS)
    with pytest.raises(CannotGenerate, match="predicts a class"):
        tasks.reconstruct(model, WORDS, SHORT)


@pytest.mark.parametrize("layers", [0, 1])
def test_a_bag_gives_its_likeliest_words_in_order(layers: int) -> None:
    model = tiny_models.model("seqvae", decoder={"kind": "bag", "layers": layers})
    said = tasks.reconstruct(model, WORDS, Decoding("beam"))
    codes = posterior.at_mean(model, WORDS)
    with torch.no_grad():
        scores = model.output.logits(model.decoder(codes.values))
    for row, found in zip(scores, said, strict=True):
        assert found.tolist() == sorted(tiny_models.SAYABLE, key=lambda word: -float(row[word]))
    assert said.shape[1] == len(tiny_models.SAYABLE) < BAG_WORDS
    assert torch.equal(likeliest(model, codes, 2), said[:, :2])
    assert "neither their order nor an end" in Decoding().told(model)
    assert tasks.from_prior(model, 5, SHORT).shape == (5, len(tiny_models.SAYABLE))


@pytest.mark.parametrize("training", [True, False])
def test_a_task_leaves_the_model_and_the_global_generator_as_they_were(training: bool) -> None:
    model = tiny_models.model("vat").train(training)
    before = torch.get_rng_state()
    for make in MADE.values():
        make(model)
    assert torch.equal(before, torch.get_rng_state())
    assert model.training == training


@pytest.mark.parametrize("training", [True, False])
def test_so_does_a_task_that_is_refused(training: bool) -> None:
    model = tiny_models.model("seqvae").train(training)
    before = torch.get_rng_state()
    with pytest.raises(CannotGenerate):
        MADE["variation of a token"](model)
    assert torch.equal(before, torch.get_rng_state())
    assert model.training == training


@pytest.mark.parametrize("kind", get_args(Kind))
def test_the_same_seed_says_the_same_whatever_ran_before(kind: Any) -> None:
    model = tiny_models.model("seqvae", sharpness=30.0).train()
    decoding = Decoding(kind, longest=6, seed=5)
    first = tasks.from_prior(model, 20, decoding, seed=1)
    torch.randn(7)
    assert torch.equal(first, tasks.from_prior(model, 20, decoding, seed=1))
    assert not torch.equal(first, tasks.from_prior(model, 20, decoding, seed=2))


def test_a_decoding_is_its_search_with_its_options() -> None:
    model = tiny_models.model("seqvae", seed=3)
    codes = posterior.at_mean(model, WORDS)
    assert torch.equal(Decoding(longest=5)(model, codes), greedy(model, codes, 5))
    assert "beam search of width 3 by log p(x | code) / length^0.5" in Decoding("beam", width=3, normalise=0.5).told(
        model
    )
    assert f"{CUT} marks a sentence cut off after 9 words" in Decoding(longest=9).told(model)
    assert "temperature 0.7 among the 4 likeliest" in Decoding("sample", temperature=0.7, top_k=4).told(model)


def test_the_posterior_is_read_where_the_model_reads_it() -> None:
    for name in ("seqvae", "hrvae", "vat", "hsvae"):
        model = tiny_models.model(name)
        torch.testing.assert_close(
            posterior.at_mean(model, WORDS).values, model.latent.mean(model.encode(WORDS).pooled)
        )


def test_the_mean_code_on_a_sphere_is_its_direction() -> None:
    model = tiny_models.model("vmf")
    assert posterior.on_sphere(model)
    assert not posterior.on_sphere(tiny_models.model("seqvae"))
    code, mean = posterior.at_mean(model, WORDS).values, model.latent.mean(model.encode(WORDS).pooled)
    torch.testing.assert_close(code.norm(dim=-1), torch.ones(3))
    torch.testing.assert_close(code * mean.norm(dim=-1, keepdim=True), mean)


def test_draws_of_a_sentence_stand_in_a_row_and_have_its_moments() -> None:
    model = tiny_models.model("seqvae")
    with torch.no_grad():
        values = posterior.drawn(model, WORDS, 4000).values.view(3, 4000, -1)
        h = model.encode(WORDS).pooled
        mean, scale = model.latent.mean(h), (0.5 * model.latent.log_variance(h)).exp()
    assert ((values.mean(1) - mean).abs() < 4 * scale / 4000**0.5).all()


def test_one_token_is_redrawn_and_the_others_stay_at_their_mean() -> None:
    model = tiny_models.model("vat")
    one = tiny_models.batch([5])
    with torch.no_grad():
        found, mean = posterior.redrawn(model, one, 2, 6), posterior.at_mean(model, one)
    others = [0, 1, 3, 4]
    torch.testing.assert_close(found.values[:, others], mean.values[:, others].expand(6, -1, -1), atol=1e-5, rtol=1e-5)
    assert len(found.values[:, 2].unique(dim=0)) == 6
    assert found.mask is not None
    assert found.mask.all()


@pytest.mark.parametrize("position", [-1, 5])
def test_a_token_that_is_not_there_is_refused(position: int) -> None:
    with pytest.raises(ValueError, match="one of the 5 of the sentence"):
        tasks.vary_token(tiny_models.model("vat"), tiny_models.batch([5]), position, 2, SHORT)


def test_codes_from_the_prior_are_as_many_as_asked_for() -> None:
    model = tiny_models.model("vat")
    lengths, labels = torch.tensor([2, 5, 3]), torch.tensor([0, 1, 2])
    codes = posterior.from_prior(model, 3, lengths, labels)
    assert codes.values.shape == (3, 5, model.latent.code_size)
    assert codes.mask is not None
    assert codes.mask.sum(1).tolist() == [2, 5, 3]
    assert codes.labels is labels
    many = posterior.from_prior(model, 4000, torch.full((4000,), 2)).values
    scale = model.latent.prior_scale
    assert ((many.std((0, 1)) - scale).abs() < 4 * scale / (2 * 8000) ** 0.5).all()


def test_the_ends_of_a_way_are_the_reconstructions() -> None:
    for name in ("seqvae", "vat", "vmf"):
        model, two = tiny_models.model(name, seed=2), tiny_models.batch([4, 6])
        said, ends = tasks.interpolate(model, two, 4, SHORT), tasks.reconstruct(model, two, SHORT)
        assert [tiny_models.spoken(said[0]), tiny_models.spoken(said[-1])] == [tiny_models.spoken(row) for row in ends]


def test_codes_keep_label_mask_and_source_with_their_row() -> None:
    codes = Codes(torch.arange(3.0).view(3, 1, 1), torch.tensor([[True], [False], [True]]), torch.arange(3), WORDS)
    twice = codes.repeated(2)
    assert twice.values.flatten().tolist() == [0, 0, 1, 1, 2, 2]
    assert twice.mask is not None
    assert twice.mask.flatten().tolist() == [True, True, False, False, True, True]
    assert twice.labels is not None
    assert twice.labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert twice.source is not None
    assert torch.equal(twice.source.tokens[1::2], WORDS.tokens)
    assert len(twice) == 6


def test_a_model_hears_labels_where_its_inputs_show_them() -> None:
    told = tiny_models.model("seqvae", inputs={"label_size": 3})
    assert hears_labels(told, 3)
    assert not hears_labels(tiny_models.model("seqvae"), 3)
    assert not hears_labels(tiny_models.model("seqvae"), 0)
    assert tasks.from_prior(told, 3, SHORT, labels=torch.tensor([0, 1, 2])).shape[0] == 3


THREE = Batch(
    torch.tensor([[9, 12, 7, 30, EOS, PAD], [9, 14, 22, EOS, PAD, PAD], [11, 12, 7, 8, 31, EOS]]),
    torch.tensor([5, 4, 6]),
)


def taught(name: str, updates: int) -> TextVAE:
    """A model that has seen three sentences for some seconds, its KL hardly weighed and nothing dropped."""
    configuration = models.configuration(name, encoder={"dropout": 0.0}, decoder={"dropout": 0.0})
    torch.manual_seed(0)
    model = TextVAE(configuration, models.CORPUS_INFO)
    objective = Objective({"kl.z": {"kind": "constant", "value": 1e-3}}, updates)
    adam = torch.optim.Adam(model.parameters(), 1e-2)
    slowing = torch.optim.lr_scheduler.LinearLR(adam, 1.0, 0.01, updates)
    for step in range(updates):
        adam.zero_grad()
        objective(model.trace(THREE), step).backward()
        adam.step()
        slowing.step()
    return model


@pytest.mark.parametrize(("name", "updates"), [("seqvae", 600), ("vmf", 400), ("vat", 120)])
def test_what_was_learnt_is_reconstructed_from_means_and_draws(name: str, updates: int) -> None:
    model = taught(name, updates)
    expected = [tiny_models.spoken(row) for row in THREE.tokens]
    for decoding in (Decoding(longest=10), Decoding("beam", longest=10, width=4)):
        assert [tiny_models.spoken(row) for row in tasks.reconstruct(model, THREE, decoding)] == expected
    draws = tasks.vary_sentence(model, THREE, 4, Decoding(longest=10))
    assert [[tiny_models.spoken(row) for row in rows] for rows in draws] == [[words] * 4 for words in expected]
    sampled = tasks.reconstruct(model, THREE, Decoding("sample", longest=10, temperature=0.1))
    assert [tiny_models.spoken(row) for row in sampled] == expected
