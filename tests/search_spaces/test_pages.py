"""Every page of the folder: checked, built small, trained a little, saved, resumed and measured."""

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.support import models
from uncollapse.models.configuration import resolve
from uncollapse.models.conformance.model import EVERY, Check
from uncollapse.models.text_vae import TextVAE
from uncollapse.search_spaces import space
from uncollapse.study.config import families
from uncollapse.study.training import checkpoints
from uncollapse.study.training.batches import evaluation_batches
from uncollapse.study.training.training import Training

WORDS = models.batch([3, 8, 5, 1])
listed = pytest.mark.parametrize("name", families.names())
every = pytest.mark.parametrize("name", models.EVERY)
with_latent = pytest.mark.parametrize("name", models.WITH_LATENT)


@listed
def test_the_page_is_sound_and_says_whose_it_is(name: str) -> None:
    family = families.load(name)
    assert families.errors(family) == []
    assert family.name == name
    assert family.title
    assert any(char.isdigit() for char in family.paper)


@listed
def test_every_corner_of_the_search_resolves_to_what_was_drawn(name: str) -> None:
    family = families.load(name)
    for settings in space.corners(family.search):
        complete = family.configure(settings)
        assert resolve.errors(complete) == []
        for slot, drawn in settings.items():
            held = complete[slot]
            for key, value in drawn.items():
                assert value.items() <= held[key].items() if isinstance(value, dict) else held[key] == value


@listed
def test_every_searched_hyperparameter_starts_from_a_value_of_its_page(name: str) -> None:
    """The paper's own value lies inside what is searched, or the search could never find the paper again."""
    family = families.load(name)
    base = family.configure({})
    for hyperparameter, leaf in space.hyperparameters(family.search):
        slot, _, option = hyperparameter.partition(".")
        if slot == "objective" or not isinstance(leaf, space.Interval):
            continue
        assert leaf.low <= base[slot][option] <= leaf.high, hyperparameter


ONE_SCHEDULE = ("annealed_vae", "beta_vae", "cyclical_vae")
ANNEALED = {"constant", "linear", "logistic", "cyclical"}
HYPERPARAMETERS: dict[str, tuple[str, ...]] = {
    "vmf": ("latent.kappa",),
    "vat": ("latent.prior_scale",),
    "hsvae": ("latent.alpha", "latent.beta", "latent.temperature"),
}


@with_latent
def test_every_kl_of_a_page_is_annealed_and_weighed(name: str) -> None:
    family = families.load(name)
    hyperparameters = dict(space.hyperparameters(family.search))
    for term in family.base.get("objective", {}):
        if not term.startswith("kl") or name in ONE_SCHEDULE:
            continue
        assert set(hyperparameters[f"objective.{term}.kind"].values) == ANNEALED
        for kind in ANNEALED:
            weight = hyperparameters[f"objective.{term}.{kind}.value"]
            assert weight.log
            assert weight.low < 0.1 < 1.0 <= weight.high


@pytest.mark.parametrize("name", ONE_SCHEDULE)
def test_a_page_about_one_schedule_searches_that_schedule(name: str) -> None:
    hyperparameters = dict(space.hyperparameters(families.load(name).search))
    assert any(hyperparameter.startswith("objective.kl.z.") for hyperparameter in hyperparameters)


@pytest.mark.parametrize("name", HYPERPARAMETERS)
def test_what_the_papers_are_about_is_searched(name: str) -> None:
    hyperparameters = dict(space.hyperparameters(families.load(name).search))
    assert set(HYPERPARAMETERS[name]) <= set(hyperparameters)
    assert all(
        hyperparameters[hyperparameter].low < hyperparameters[hyperparameter].high
        for hyperparameter in HYPERPARAMETERS[name]
    )


def test_both_kls_of_the_sparse_family_are_searched_on_their_own() -> None:
    hyperparameters = dict(space.hyperparameters(families.load("hsvae").search))
    for term in ("kl.z", "kl.gamma"):  # psi and lambda of Prokhorov et al. 2021
        assert hyperparameters[f"objective.{term}.constant.value"].low == 0.001


def test_a_language_model_has_nothing_to_anneal() -> None:
    family = families.load("lstm_lm")
    assert "objective" not in family.base
    assert not any(
        hyperparameter.startswith(("objective", "latent")) for hyperparameter, _ in space.hyperparameters(family.search)
    )


@every
@pytest.mark.parametrize("check", EVERY, ids=lambda check: check.__name__)
def test_the_page_passes(name: str, check: Check) -> None:
    check(models.configuration(name), models.model(name), models.batch([3, 8, 5, 1]))


def figures(training: Training) -> tuple[list[dict[str, float]], dict[str, float]]:
    """Everything that a finished training leaves, less its seconds."""
    history = [{key: value for key, value in epoch.items() if key != "cost/seconds"} for epoch in training.history]
    return history, training.measure_split("valid", models.split(30, seed=2))


def trained(name: str, seed: int = 1) -> Training:
    training = models.training(name, seed)
    list(training.epochs())
    return training


@every
def test_numbers_are_the_same_bit_for_bit_whatever_ran_before_and_however_often_it_was_cut_off(
    name: str, tmp_path: Path
) -> None:
    whole = figures(trained(name))
    cut_off = models.training(name)
    next(cut_off.epochs())
    checkpoints.save(cut_off, tmp_path / "checkpoint.pt")
    trained("hsvae" if name != "hsvae" else "vmf", seed=7)
    assert figures(trained(name)) == whole
    resumed = models.training(name)
    assert checkpoints.resume(resumed, tmp_path / "checkpoint.pt")
    assert [epoch["epoch"] for epoch in resumed.epochs()] == [2.0]
    assert figures(resumed) == whole


@every
def test_another_seed_is_another_training(name: str) -> None:
    first, second = (next(models.training(name, seed).epochs()) for seed in (1, 2))
    assert first["train/loss"] != second["train/loss"]


@every
def test_the_final_figures_of_a_training_are_the_models(name: str) -> None:
    training = trained(name)
    _, final = figures(training)
    names = ("nll_elbo", "nll_exact", "nll_elbo_given_bag", "nll_label", "nll_dual")
    bound = next(f"valid/{name}" for name in names if f"valid/{name}" in final)
    assert all(math.isfinite(value) for value in final.values())
    sentences = evaluation_batches(models.split(30, seed=2), 64)
    training.model.eval()
    with torch.no_grad():
        draws = [sum(_bound(training.model, words) for words in sentences).item() / 30 for _ in range(40)]
    spread = torch.tensor(draws).std().item()
    assert abs(final[bound] - sum(draws) / 40) <= 5 * spread + 1e-3


def _bound(model: TextVAE, words: models.Batch) -> Tensor:
    trace = model.trace(words)
    return sum(trace.kl.values(), trace.reconstruction).sum()
