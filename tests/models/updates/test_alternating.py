"""Alternating updates: whose epoch it is, and resuming."""

import copy

import pytest
import torch

from tests.support import models
from uncollapse.models.configuration import components
from uncollapse.models.objective import Objective
from uncollapse.models.updates.alternating import Alternating

WORDS = models.batch([4, 6, 3, 8])
SETTINGS = {"optimizer": {"kind": "adam", "lr": 0.01}, "inputs": {"shared": False}}


def built(epochs: int) -> Alternating:
    model, configuration = models.model("seqvae", **SETTINGS), models.configuration("seqvae", **SETTINGS)
    optimization = components.build("optimizer", configuration["optimizer"], model, 100)
    return Alternating(model, Objective(configuration["objective"], 100), optimization, epochs=epochs)


def epoch(update: Alternating, batches: int = 2) -> str:
    """What one epoch moves: encoder, decoder or both."""
    before = copy.deepcopy(update.model.state_dict())
    for _ in range(batches):
        update(WORDS)
    update.end_epoch({"mi": 0.0})
    encoder = {id(value) for value in update.model.inference_parameters()}
    changed = {
        "e" if id(value) in encoder else "d"
        for name, value in update.model.named_parameters()
        if not torch.equal(value, before[name])
    }
    return "".join(sorted(changed))


@pytest.mark.parametrize(("epochs", "expected"), [(1, "deded"), (2, "ddeed"), (10, "ddddd")])
def test_decoder_and_encoder_take_epochs_in_turn_the_decoder_first(epochs: int, expected: str) -> None:
    update = built(epochs)
    assert "".join(epoch(update) for _ in range(5)) == expected


def test_in_its_turn_all_of_a_side_moves() -> None:
    update = built(1)
    for side in (update.decoder, update.encoder):
        before = {value: value.detach().clone() for value in side}
        epoch(update)
        assert all(not torch.equal(value, old) for value, old in before.items())
    assert update.encoder | update.decoder == set(update.model.parameters())
    assert not update.encoder & update.decoder


def test_costs_count_the_updates_of_each() -> None:
    update = built(1)
    for batches in (2, 3, 4):
        epoch(update, batches)
    assert update.costs() == {"encoder_updates": 3.0, "decoder_updates": 6.0}
    assert update.optimization.updates == 9


def test_a_resumed_training_goes_on_with_whose_turn_it_is() -> None:
    whole, second = built(2), built(2)
    torch.manual_seed(0)
    for _ in range(3):
        epoch(whole)
    second.model.load_state_dict(copy.deepcopy(whole.model.state_dict()))
    second.optimization.load_state_dict(copy.deepcopy(whole.optimization.state_dict()))
    second.load_state_dict(copy.deepcopy(whole.state_dict()))
    found = []
    for update in (whole, second):
        torch.manual_seed(1)
        found.append("".join(epoch(update) for _ in range(3)))
    assert found == ["edd", "edd"]
    assert whole.costs() == second.costs()
    pairs = zip(whole.model.parameters(), second.model.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)
