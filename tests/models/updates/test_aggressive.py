"""Aggressive updates: whose turn it is, when the encoder has converged, when the flag drops, and resuming."""

import copy
import math
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.support import models
from uncollapse.models.batch import Batch
from uncollapse.models.configuration import components
from uncollapse.models.objective import Objective
from uncollapse.models.optimizers._base import Optimization
from uncollapse.models.text_vae import TextVAE
from uncollapse.models.trace import Trace
from uncollapse.models.updates.aggressive import Aggressive

WORDS = models.batch([4, 6, 3, 8])
SETTINGS = {"optimizer": {"kind": "adam", "lr": 0.01}, "inputs": {"shared": False}}


class Script(Objective):
    """Losses as written, of no gradient to speak of."""

    def __init__(self, losses: Sequence[float]) -> None:
        super().__init__({}, 1)
        self.losses = iter(losses)

    def __call__(self, trace: Trace, step: int) -> Tensor:
        return 0 * trace.reconstruction.mean() + next(self.losses)


def optimized(model: TextVAE) -> Optimization:
    configuration = models.configuration("seqvae", **SETTINGS)
    return components.build("optimizer", configuration["optimizer"], model, 100)


def built(objective: Objective | None = None, **options: Any) -> Aggressive:
    model = models.model("seqvae", **SETTINGS)
    objective = objective or Objective(models.configuration("seqvae", **SETTINGS)["objective"], 100)
    return Aggressive(model, objective, optimized(model), **options)


def turn(update: Aggressive, words: Batch = WORDS) -> str:
    """What one batch moves: encoder, decoder or both."""
    before = copy.deepcopy(update.progress)
    update(words)
    if update.progress.encoder_updates > before.encoder_updates:
        return "e"
    return "d" if update.progress.decoder_updates > before.decoder_updates else "b"


def turns(update: Aggressive, count: int) -> str:
    return "".join(turn(update) for _ in range(count))


def moved(update: Aggressive) -> set[str]:
    before = {name: value.clone() for name, value in update.model.named_parameters()}
    update(WORDS)
    return {name for name, value in update.model.named_parameters() if not torch.equal(value, before[name])}


def test_the_encoder_the_decoder_or_both_move() -> None:
    update = built(inner=1, window=5)
    everything = {name for name, _ in update.model.named_parameters()}
    inference = {name for name in everything if name.startswith(("encoder.", "latent.", "inputs.encoder_table"))}
    assert moved(update) == inference
    assert moved(update) == everything - inference
    for information in (2.0, 1.0):
        update.end_epoch({"mi": information})
    assert moved(update) == everything


def test_every_batch_is_one_update_clipped_over_all_parameters() -> None:
    torch.manual_seed(3)
    update = built(inner=3, window=5)
    for _ in range(4):
        update(WORDS)
    torch.manual_seed(3)
    model = models.model("seqvae", **SETTINGS)
    objective = Objective(models.configuration("seqvae", **SETTINGS)["objective"], 100)
    inference = list(model.inference_parameters())
    rest = [value for value in model.parameters() if all(value is not other for other in inference)]
    optimizers = [torch.optim.Adam(group, lr=0.01) for group in (inference, rest)]
    for step, chosen in enumerate((0, 0, 0, 1)):
        model.zero_grad()
        objective(model.trace(WORDS), step).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizers[chosen].step()
    assert update.optimization.updates == 4
    for name, value in model.named_parameters():
        torch.testing.assert_close(update.model.get_parameter(name), value)


def test_while_the_loss_falls_the_encoder_goes_on_to_its_cap() -> None:
    update = built(Script([float(100 - n) for n in range(21)]), inner=6, window=2)
    assert turns(update, 21) == "eeeeeed" * 3


def test_a_window_whose_loss_has_risen_ends_the_inner_loop() -> None:
    losses = [5, 5, 4, 4, 4, 4.1, 9, 3, 3, 2, 2, 2, 2, 9, 9, 9, 1, 1]
    update = built(Script(losses), inner=100, window=2)
    assert turns(update, 6) == "eeeeee"  # 5, 4, 4.05 a sentence: the third window rose
    assert update.progress.converged
    assert turns(update, 1) == "d"
    assert turns(update, 6) == "eeeeee"  # 3, 2, 2: as good as before is not a rise, and the first has none before it
    assert not update.progress.converged


def test_an_inner_loop_starts_without_memory_of_the_one_before() -> None:
    """Neither the last window's loss, 1, nor the half window of the cap's last batch, 50, count after the decoder."""
    losses = [2, 2, 1, 1, 50, 0, 5, 5, 4, 4, 3, 0, 9, 9, 8, 8]
    update = built(Script(losses), inner=5, window=2)
    assert turns(update, 16) == "eeeeedeeeeedeeee"
    assert not update.progress.converged
    assert update.progress.loss_before == pytest.approx(8 / WORDS.lengths.double().mean().item())


def test_a_window_longer_than_the_cap_never_tells() -> None:
    update = built(Script([float(n) for n in range(9)]), inner=2, window=3)
    assert turns(update, 9) == "eedeedeed"


def test_convergence_is_judged_by_the_loss_of_a_word() -> None:
    """Longer sentences cost more: 12 nats for 6 words is less a word than 9 nats for 3."""
    short, long = models.batch([3, 3]), models.batch([6, 6, 6])
    update = built(Script([9.0, 12.0]), inner=100, window=1)
    assert [turn(update, words) for words in (short, long)] == ["e", "e"]
    assert update.progress.loss_before == pytest.approx(2.0)
    assert not update.progress.converged


def test_sentences_and_not_batches_are_averaged() -> None:
    update = built(Script([4.0, 10.0]), inner=100, window=2)
    for words in (models.batch([2]), models.batch([5, 5, 5])):
        update(words)
    assert update.progress.loss_before == pytest.approx((4.0 + 3 * 10.0) / (2 + 15))


@pytest.mark.parametrize(
    ("patience", "information", "flags"),
    [
        (0, [0.5, 0.5, 0.7, 0.6, 0.9], [True, True, True, False, False]),
        (0, [-0.1, 0.0, -0.1], [True, True, False]),
        (1, [1.0, 0.9, 1.1, 1.0, 0.9], [True, True, True, True, False]),
    ],
)
def test_the_flag_drops_when_information_falls(patience: int, information: list[float], flags: list[bool]) -> None:
    update = built(patience=patience)
    found = []
    for mi in information:
        update.end_epoch({"mi": mi, "nll_elbo": 1.0})
        found.append(update.progress.aggressive)
    assert found == flags


def test_once_dropped_the_flag_stays_down() -> None:
    update = built(inner=2, window=5)
    for mi in (2.0, 1.0, 3.0, 4.0):
        update.end_epoch({"mi": mi})
    assert turns(update, 3) == "bbb"


def test_without_mutual_information_there_is_no_end() -> None:
    with pytest.raises(ValueError, match="mutual information"):
        built().end_epoch({"nll_dual": 3.0})


def test_costs_count_what_moved_alone() -> None:
    update = built(inner=2, window=5)
    assert turns(update, 7) == "eedeede"
    assert update.costs() == {"encoder_updates": 5.0, "decoder_updates": 2.0}
    assert update.optimization.updates == 7


@pytest.mark.parametrize("cut", [1, 4, 5, 6, 9])
def test_a_resumed_training_goes_on_bit_for_bit(cut: int) -> None:
    """Cut in a window, at its end, before the decoder's turn and after it."""

    def go_on(update: Aggressive, steps: range) -> list[tuple[float, float]]:
        losses = []
        for step in steps:
            torch.manual_seed(step)
            losses.append(update(models.batch([4, 6, 3 + step % 3], seed=step)))
            if step == 10:
                update.end_epoch({"mi": 0.5})
        return losses

    whole, first, second = (built(inner=5, window=2) for _ in range(3))
    expected = go_on(whole, range(16))
    begun = go_on(first, range(cut))
    second.model.load_state_dict(copy.deepcopy(first.model.state_dict()))
    second.optimization.load_state_dict(copy.deepcopy(first.optimization.state_dict()))
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    assert begun + go_on(second, range(cut, 16)) == expected
    assert second.progress == whole.progress
    pairs = zip(second.model.parameters(), whole.model.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


def test_a_state_is_of_plain_numbers() -> None:
    state = built().state_dict()
    assert {type(value) for value in state.values()} <= {bool, int, float}
    assert state["mi"] == -math.inf


def test_a_training_records_its_updates_and_goes_on_across_epochs() -> None:
    settings = {**SETTINGS, "updates": {"kind": "aggressive", "inner": 5, "window": 5}}
    records = list(models.training("seqvae", **settings).epochs())
    assert [(one["cost/updates"], one["cost/encoder_updates"], one["cost/decoder_updates"]) for one in records] == [
        (4.0, 4.0, 0.0),
        (8.0, 7.0, 1.0),
    ]
