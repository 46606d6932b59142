"""What every update rule must do, over a small model that it can train."""

import math
from collections.abc import Callable

import torch

from uncollapse.models.conformance.failure import demand
from uncollapse.models.conformance.small import batch
from uncollapse.models.updates._base import Update

LENGTHS = [4, 6, 3, 8]
Make = Callable[[], Update]


def a_batch_moves_parameters_and_is_counted(make: Make) -> None:
    """Each batch gives a finite loss, a reconstruction above 0 and one counted update, and parameters move."""
    update, words = make(), batch(LENGTHS)
    before = {name: value.clone() for name, value in update.model.named_parameters()}
    for done in range(1, 4):
        loss, reconstruction = update(words)
        demand(math.isfinite(loss), f"the loss of update {done} is {loss}")
        demand(reconstruction > 0, f"the reconstruction of update {done} is {reconstruction}")
        demand(update.optimization.updates == done, f"{done} batches are counted as {update.optimization.updates}")
    still = [name for name, value in update.model.named_parameters() if not (before[name] != value).any()]
    separate = getattr(type(update), "separate", False)  # moves one side before it moves the other
    demand(not still or (separate and len(still) < len(before)), f"three batches do not move {', '.join(still)}")


def a_loss_that_is_not_finite_is_told_and_not_learnt_from(make: Make) -> None:
    """Where the loss is not a number, that is told, and no parameter moves."""
    update = make()
    with torch.no_grad():
        update.model.output.logits.bias[7] = math.nan
    before = {name: value.clone() for name, value in update.model.named_parameters() if "output" not in name}
    loss, _ = update(batch(LENGTHS))
    demand(math.isnan(loss), f"a model that predicts no number has the loss {loss}")
    for name, value in before.items():
        demand(torch.equal(value, update.model.get_parameter(name)), f"a loss that is not a number moves {name}")


EVERY: tuple[Callable[[Make], None], ...] = (
    a_batch_moves_parameters_and_is_counted,
    a_loss_that_is_not_finite_is_told_and_not_learnt_from,
)
