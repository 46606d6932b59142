"""Every page of the folder: checked, built small, trained a little, saved, resumed and measured."""

import copy
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from models import configuration, parts
from models.objective import Objective
from models.text_vae import Encoded, TextVAE
from models.variable import Variable
from search_spaces import space
from study import families
from study.batches import evaluation_batches
from study.training import Training
from tests import pages

WORDS = pages.batch([3, 8, 5, 1])
every = pytest.mark.parametrize("name", pages.EVERY)
with_latent = pytest.mark.parametrize("name", pages.WITH_LATENT)


@every
def test_the_page_is_sound_and_says_whose_it_is(name: str) -> None:
    family = families.load(name)
    assert families.faults(family) == []
    assert family.name == name
    assert family.title
    assert any(char.isdigit() for char in family.paper)


@every
def test_every_corner_of_the_search_resolves_to_what_was_drawn(name: str) -> None:
    family = families.load(name)
    for settings in space.corners(family.search):
        complete = family.configure(settings)
        assert configuration.faults(complete) == []
        for slot, drawn in settings.items():
            held = complete[slot]
            for key, value in drawn.items():
                assert value.items() <= held[key].items() if isinstance(value, dict) else held[key] == value


@every
def test_every_searched_knob_starts_from_a_value_of_its_page(name: str) -> None:
    """The paper's own value lies inside what is searched, or the search could never find the paper again."""
    family = families.load(name)
    base = family.configure({})
    for knob, leaf in space.knobs(family.search):
        slot, _, option = knob.partition(".")
        if slot == "objective" or not isinstance(leaf, space.Interval):
            continue
        assert leaf.low <= base[slot][option] <= leaf.high, knob


ONE_SCHEDULE = ("annealed_vae", "beta_vae", "cyclical_vae")
ANNEALED = {"constant", "linear", "logistic", "cyclical"}
KNOBS: dict[str, tuple[str, ...]] = {
    "vmf": ("latent.kappa",),
    "vat": ("latent.prior_scale",),
    "hsvae": ("latent.alpha", "latent.beta", "latent.temperature"),
}


@with_latent
def test_every_kl_of_a_page_is_annealed_and_weighed(name: str) -> None:
    family = families.load(name)
    knobs = dict(space.knobs(family.search))
    for term in family.base.get("objective", {}):
        if not term.startswith("kl") or name in ONE_SCHEDULE:
            continue
        assert set(knobs[f"objective.{term}.kind"].values) == ANNEALED
        for kind in ANNEALED:
            weight = knobs[f"objective.{term}.{kind}.value"]
            assert weight.log
            assert weight.low < 0.1 < 1.0 <= weight.high


@pytest.mark.parametrize("name", ONE_SCHEDULE)
def test_a_page_about_one_schedule_searches_that_schedule(name: str) -> None:
    knobs = dict(space.knobs(families.load(name).search))
    assert any(knob.startswith("objective.kl.z.") for knob in knobs)


@pytest.mark.parametrize("name", KNOBS)
def test_what_the_papers_are_about_is_searched(name: str) -> None:
    knobs = dict(space.knobs(families.load(name).search))
    assert set(KNOBS[name]) <= set(knobs)
    assert all(knobs[knob].low < knobs[knob].high for knob in KNOBS[name])


def test_both_kls_of_the_sparse_family_are_searched_on_their_own() -> None:
    knobs = dict(space.knobs(families.load("hsvae").search))
    for term in ("kl.z", "kl.gamma"):  # psi and lambda of Prokhorov et al. 2021
        assert knobs[f"objective.{term}.constant.value"].low == 0.001


def test_a_language_model_has_nothing_to_anneal() -> None:
    family = families.load("lstm_lm")
    assert "objective" not in family.base
    assert not any(knob.startswith(("objective", "latent")) for knob, _ in space.knobs(family.search))


@every
def test_gradients_reach_every_parameter(name: str) -> None:
    model = pages.model(name).eval()
    complete = pages.configuration(name)
    Objective(complete["objective"], 10)(model.trace(pages.batch([3, 8, 5])), 10).backward()
    idle = () if name in pages.WITH_LATENT else ("decoder.to_state.weight",)  # it multiplies a code of zeros
    still = [key for key, value in model.named_parameters() if value.grad is None or not value.grad.abs().sum() > 0]
    assert set(still) <= set(idle)


@every
def test_fifty_updates_of_the_pages_own_optimizer_lower_its_loss(name: str) -> None:
    complete, model = pages.configuration(name), pages.model(name)
    objective = Objective(complete["objective"], 50)
    optimization = parts.build("optimizer", complete["optimizer"], model, 50)
    update = parts.build("updates", complete["updates"], model, objective, optimization)
    words = pages.batch([4, 8, 6, 5, 7, 3, 8, 6])

    def loss() -> float:
        torch.manual_seed(0)
        model.eval()
        with torch.no_grad():
            return sum(objective(model.trace(words), 50).item() for _ in range(8)) / 8

    before = loss()
    model.train()
    assert all(math.isfinite(update(words)[0]) for _ in range(50))
    assert loss() < before


def drawn(model: TextVAE, encoded: Encoded, samples: int) -> tuple[dict[str, Variable], Tensor]:
    h = encoded.pooled.expand(samples, *encoded.pooled.shape)
    return model.latent(h), h


@every
@pytest.mark.parametrize("columns", [1, 5])
def test_padding_changes_nothing_down_to_the_importance_weights(name: str, columns: int) -> None:
    model = pages.model(name).eval()
    longer = pages.padded(WORDS, columns)
    short, long = model.encode(WORDS), model.encode(longer)
    variables, h = drawn(model, short, 3)
    over_tokens = model.pool.at == "tokens"
    values = {
        key: pages.lengthened(variable.value, columns) if over_tokens else variable.value
        for key, variable in variables.items()
    }
    h_long = long.pooled.expand(3, *long.pooled.shape)
    again = model.latent(h_long, given=values)
    weights = model.weigh(WORDS, variables, model.code(variables, h))
    weights_long = model.weigh(longer, again, model.code(again, h_long))
    torch.testing.assert_close(weights_long, weights, atol=1e-3, rtol=1e-4)
    for key, variable in variables.items():
        charged, charged_long = model.per_sentence(WORDS, variable.kl), model.per_sentence(longer, again[key].kl)
        torch.testing.assert_close(charged_long, charged, atol=1e-3, rtol=1e-4)


@every
def test_the_average_kl_over_steps_knows_no_padding(name: str) -> None:
    model = pages.model(name).eval()
    short, long = model.trace(WORDS).kl_mean, model.trace(pages.padded(WORDS, 4)).kl_mean
    assert short.keys() == long.keys()
    for key in short:
        torch.testing.assert_close(long[key], short[key], atol=1e-4, rtol=1e-4)


@with_latent
def test_values_that_are_given_are_scored_as_when_they_were_drawn(name: str) -> None:
    model = pages.model(name).eval()
    encoded = model.encode(WORDS)
    variables, h = drawn(model, encoded, 3)
    again = model.latent(h, given={key: variable.value for key, variable in variables.items()})
    torch.testing.assert_close(
        model.weigh(WORDS, again, model.code(again, h)),
        model.weigh(WORDS, variables, model.code(variables, h)),
        atol=1e-4,
        rtol=1e-4,
    )


@every
def test_no_target_is_predicted_from_itself_or_from_what_follows(name: str) -> None:
    model = pages.model(name).eval()
    words = pages.batch([8, 8])
    pooled = model.encode(words).pooled
    code = model.code(model.latent(pooled), pooled)

    def up_to(tokens: Tensor, count: int) -> Tensor:
        """log p of the first `count` targets under one fixed code."""
        masks = {"code_mask": words.mask} if code.dim() == 3 else {}
        return model.decode(pages.Batch(tokens, torch.full((2,), count)), code, **masks)

    for step in range(1, 8):
        other = words.tokens.clone()
        other[:, step:] = torch.where(other[:, step:] == 9, 10, 9)
        torch.testing.assert_close(up_to(other, step), up_to(words.tokens, step))
        next_one = [up_to(tokens, step + 1) - up_to(tokens, step) for tokens in (words.tokens, other)]
        assert (next_one[0] != next_one[1]).all()


@every
def test_a_state_dict_restores_the_model_and_its_optimizer(name: str) -> None:
    complete = pages.configuration(name)

    def made(seed: int) -> tuple[TextVAE, Any, Callable[..., Any]]:
        model = pages.model(name, seed=seed).eval()  # dropout draws would differ between the two
        optimization = parts.build("optimizer", complete["optimizer"], model, 20)
        objective = Objective(complete["objective"], 20)
        return model, optimization, parts.build("updates", complete["updates"], model, objective, optimization)

    model, optimization, update = made(0)
    again, optimization_again, update_again = made(1)
    for _ in range(3):
        update(WORDS)
    again.load_state_dict(copy.deepcopy(model.state_dict()))
    optimization_again.load_state_dict(copy.deepcopy(optimization.state_dict()))
    losses = []
    for one in (update, update_again):
        torch.manual_seed(0)
        losses.append([one(WORDS) for _ in range(3)])
    assert losses[0] == losses[1]
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))


def figures(training: Training) -> tuple[list[dict[str, float]], dict[str, float]]:
    """Everything that a finished training leaves, less its seconds."""
    history = [{key: value for key, value in epoch.items() if key != "cost/seconds"} for epoch in training.history]
    return history, training.measure_split("valid", pages.split(30, seed=2))


def trained(name: str, seed: int = 1) -> Training:
    training = pages.training(name, seed)
    list(training.epochs())
    return training


@every
def test_numbers_are_the_same_bit_for_bit_whatever_ran_before_and_however_often_it_was_cut_off(
    name: str, tmp_path: Path
) -> None:
    whole = figures(trained(name))
    cut_off = pages.training(name)
    next(cut_off.epochs())
    cut_off.save(tmp_path / "checkpoint.pt")
    trained("hsvae" if name != "hsvae" else "vmf", seed=7)
    assert figures(trained(name)) == whole
    resumed = pages.training(name)
    assert resumed.resume(tmp_path / "checkpoint.pt")
    assert [epoch["epoch"] for epoch in resumed.epochs()] == [2.0]
    assert figures(resumed) == whole


@every
def test_another_seed_is_another_training(name: str) -> None:
    first, second = (next(pages.training(name, seed).epochs()) for seed in (1, 2))
    assert first["train/loss"] != second["train/loss"]


@every
def test_the_final_figures_of_a_training_are_the_models(name: str) -> None:
    training = trained(name)
    _, final = figures(training)
    bound = "valid/nll_exact" if name not in pages.WITH_LATENT else "valid/nll_elbo"
    assert all(math.isfinite(value) for value in final.values())
    sentences = evaluation_batches(pages.split(30, seed=2), 64)
    training.model.eval()
    with torch.no_grad():
        draws = [sum(_bound(training.model, words) for words in sentences).item() / 30 for _ in range(40)]
    spread = torch.tensor(draws).std().item()
    assert abs(final[bound] - sum(draws) / 40) <= 5 * spread + 1e-3


def _bound(model: TextVAE, words: pages.Batch) -> Tensor:
    trace = model.trace(words)
    return sum(trace.kl.values(), trace.reconstruction).sum()
