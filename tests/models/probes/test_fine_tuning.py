"""Encoders that are trained on for a task."""

import copy
from collections.abc import Iterable

import pytest
import torch

from tests.support import models
from uncollapse.models.batch import Batch
from uncollapse.models.probes.fine_tuning import FineTuned, Setting, fine_tune, predict, thawed
from uncollapse.models.probes.vectors import VECTORS

CLASSES = 2
SETTING = Setting(epochs=5, rate=5e-3)


def task(seed: int, count: int = 64) -> Batch:
    """Sentences whose class is whether a certain word stands anywhere among four."""
    random = torch.Generator().manual_seed(seed)
    made = models.batch([5] * count, seed)
    tokens, labels = made.tokens.clone(), torch.arange(count) % CLASSES
    tokens[:, :4] = torch.randint(10, 30, (count, 4), generator=random)
    places = torch.randint(4, (count,), generator=random)
    tokens[labels == 1, places[labels == 1]] = 7
    return Batch(tokens, made.lengths, labels)


def epochs(whole: Batch, size: int = 16) -> "Epochs":
    return Epochs(whole, size)


class Epochs:
    def __init__(self, whole: Batch, size: int) -> None:
        self.whole, self.size = whole, size

    def __call__(self, number: int) -> Iterable[Batch]:
        order = torch.randperm(len(self.whole.tokens), generator=torch.Generator().manual_seed(number))
        for rows in order.split(self.size):
            labels = self.whole.labels
            assert labels is not None
            yield Batch(self.whole.tokens[rows], self.whole.lengths[rows], labels[rows])


@pytest.mark.parametrize(
    ("name", "vectors"), [("vat", "mean"), ("vat", "start"), ("maxpool", "code"), ("seqvae", "sum")]
)
def test_an_encoder_learns_a_task_that_words_decide(name: str, vectors: str) -> None:
    model, asked = models.model(name), task(2)
    tuned = fine_tune(model, VECTORS[vectors], epochs(task(1, 512)), CLASSES, 0, SETTING)
    right = (predict(tuned, [asked]) == asked.labels).float().mean()
    assert right > 0.9


def test_labels_that_mean_nothing_are_guessed_by_chance() -> None:
    """1 / 2 within 4 standard errors of 400 sentences."""
    known, asked = task(1), task(2, 400)
    random = torch.randint(CLASSES, (64,), generator=torch.Generator().manual_seed(5))
    shuffled = Batch(known.tokens, known.lengths, random)
    tuned = fine_tune(models.model("maxpool"), VECTORS["code"], epochs(shuffled), CLASSES, 0, SETTING)
    answers = torch.randint(CLASSES, (400,), generator=torch.Generator().manual_seed(6))
    assert abs((predict(tuned, [asked]) == answers).float().mean() - 0.5) < 4 * 0.5 / 20


def test_the_model_and_the_global_generator_are_left_as_they_were() -> None:
    model = models.model("vat").eval()
    before, state = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    tuned = fine_tune(model, VECTORS["mean"], epochs(task(1)), CLASSES, 0, Setting(epochs=1))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)
    assert not model.training
    assert not tuned.training


def test_the_encoder_moves_and_the_decoder_does_not() -> None:
    model = models.model("vat")
    tuned = fine_tune(model, VECTORS["mean"], epochs(task(1)), CLASSES, 0, Setting(epochs=1))
    moved = {
        name.split(".")[0]
        for (name, old), new in zip(model.named_parameters(), tuned.model.parameters(), strict=True)
        if not torch.equal(old, new)
    }
    assert {"encoder", "latent", "inputs"} <= moved
    assert not moved & {"decoder", "output"}


def test_a_seed_gives_the_same_again_and_another_does_not() -> None:
    first, again, other = (
        fine_tune(models.model("vat"), VECTORS["mean"], epochs(task(1)), CLASSES, seed, Setting(epochs=1))
        for seed in (0, 0, 1)
    )
    asked = task(2)
    with torch.no_grad():
        assert torch.equal(first(asked), again(asked))
        assert not torch.equal(first(asked), other(asked))


def test_frozen_parts_are_thawed_in_the_copy_alone() -> None:
    model = models.model("vat").requires_grad_(False)
    vars(model.encoder)["frozen"] = True
    free = thawed(model)
    assert all(parameter.requires_grad for parameter in free.parameters())
    assert not free.encoder.frozen
    assert model.encoder.frozen
    assert not any(parameter.requires_grad for parameter in model.parameters())


def test_the_head_is_one_dense_layer_with_tanh_and_the_classes() -> None:
    tuned = FineTuned(models.model("vat"), VECTORS["mean"], 3, 6, torch.Generator().manual_seed(0))
    assert [type(layer).__name__ for layer in tuned.head] == ["Linear", "Tanh", "Linear"]
    assert tuned(models.batch([4, 2])).shape == (2, 3)
