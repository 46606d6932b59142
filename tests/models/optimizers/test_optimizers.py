"""Every optimiser against torch's own, and what holds for all of them."""

import copy
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import nn

from uncollapse.models.configuration import components
from uncollapse.models.conformance.optimizer import EVERY, Make, network
from uncollapse.models.optimizers._base import Optimization

UPDATES = 100
every = pytest.mark.parametrize("kind", components.kinds("optimizer"))


def built(kind: str, model: nn.Module, **options: Any) -> Optimization:
    return components.build("optimizer", components.resolve("optimizer", {"kind": kind, **options}), model, UPDATES)


def set_gradients(model: nn.Module, step: int, scale: float = 1.0) -> None:
    random = torch.Generator().manual_seed(step)
    for parameter in model.parameters():
        parameter.grad = scale * torch.randn(parameter.shape, generator=random)


def run(optimization: Optimization, model: nn.Module, steps: range, scale: float = 0.1) -> None:
    for step in steps:
        set_gradients(model, step, scale)
        optimization.step()


def weights(model: nn.Module) -> list[torch.Tensor]:
    return [parameter.detach().clone() for parameter in model.parameters()]


def rate(optimization: Optimization) -> float:
    (found,) = {group["lr"] for group in optimization.optimizer.param_groups}
    return found


@every
@pytest.mark.parametrize("check", EVERY, ids=lambda check: check.__name__)
def test_every_optimizer_passes(kind: str, check: Callable[[Make], None]) -> None:
    check(partial(built, kind))


@every
def test_a_large_gradient_acts_as_one_of_norm_clip(kind: str) -> None:
    large, scaled = network(), network()
    for model, clip in ((large, 0.5), (scaled, 1e9)):
        optimization = built(kind, model, clip=clip)
        set_gradients(model, 0, 100.0)
        if model is scaled:
            norm = math.sqrt(sum(float(p.grad.square().sum()) for p in model.parameters()))
            for parameter in model.parameters():
                parameter.grad *= 0.5 / norm
        optimization.step()
    for one, other in zip(large.parameters(), scaled.parameters(), strict=True):
        torch.testing.assert_close(one, other)


@every
def test_a_small_gradient_is_not_clipped(kind: str) -> None:
    one, other = network(), network()
    for model, clip in ((one, 5.0), (other, 1e9)):
        run(built(kind, model, clip=clip), model, range(3), scale=0.01)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


@every
@pytest.mark.parametrize("bounds", [[5.0, 4.0], [5.0, 6.0], [5.0, 6.0, 7.0]], ids=["better", "worse", "plateau"])
def test_a_saved_state_goes_on_bit_for_bit(kind: str, bounds: list[float]) -> None:
    model = network()
    optimization = built(kind, model)
    run(optimization, model, range(4))
    for bound in bounds:
        optimization.end_epoch(bound)
    resumed = network()
    resumed.load_state_dict(copy.deepcopy(model.state_dict()))
    again = built(kind, resumed)
    again.load_state_dict(copy.deepcopy(optimization.state_dict()))
    for one, its in ((optimization, model), (again, resumed)):
        run(one, its, range(4, 8))
        one.end_epoch(9.0)
        run(one, its, range(8, 12))
    assert again.updates == optimization.updates == 12
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), resumed.parameters(), strict=True))


def test_adam_is_torchs() -> None:
    ours, theirs = network(), network()
    run(built("adam", ours, lr=0.01, weight_decay=0.1, clip=1e9), ours, range(5))
    reference = torch.optim.Adam(theirs.parameters(), lr=0.01, weight_decay=0.1)
    for step in range(5):
        set_gradients(theirs, step, 0.1)
        reference.step()
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one, other)


def test_sgd_is_plain() -> None:
    model = network()
    before = weights(model)
    run(built("sgd", model, lr=2.0), model, range(1))
    other = network()
    set_gradients(other, 0, 0.1)
    for old, new, same in zip(before, model.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(new, old - 2.0 * same.grad)


@pytest.mark.parametrize(
    ("patience", "bounds", "rates"),
    [
        (0, [3.0, 2.0, 2.0, 2.5, 1.0], [1.0, 1.0, 0.5, 0.25, 0.25]),
        (1, [3.0, 3.1, 3.2, 3.3, 3.4, 2.0, 2.1, 2.2], [1.0, 1.0, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]),
    ],
)
def test_sgd_slows_down_on_a_plateau(patience: int, bounds: list[float], rates: list[float]) -> None:
    optimization = built("sgd", network(), lr=1.0, decay=0.5, patience=patience)
    found = []
    for bound in bounds:
        optimization.end_epoch(bound)
        found.append(rate(optimization))
    assert found == rates


def test_sgd_starts_anew_at_equal_spans_of_the_training() -> None:
    model = network()
    optimization = built("sgd", model, lr=1.0, decay=0.5, patience=0, restarts=3)
    rates = []
    for step in range(UPDATES):
        if step % 10 == 0:
            optimization.end_epoch(0.0 if step == 0 else 1.0)  # never better than the first: every epoch halves it
        run(optimization, model, range(step, step + 1))
        rates.append(rate(optimization))
    starts = [step for step in range(1, UPDATES) if rates[step] > rates[step - 1]]
    assert starts == [25, 50, 75]
    assert all(rates[step] == 1.0 for step in starts)
    assert rates[24] == 0.25


def test_sgd_forgets_its_bad_epochs_when_it_starts_anew() -> None:
    model = network()
    optimization = built("sgd", model, lr=1.0, decay=0.5, patience=1, restarts=1)
    run(optimization, model, range(50))
    for bound in (1.0, 2.0):
        optimization.end_epoch(bound)
    run(optimization, model, range(50, 51))
    optimization.end_epoch(2.0)
    assert rate(optimization) == 1.0
    optimization.end_epoch(2.0)
    assert rate(optimization) == 0.5


def test_sgd_starts_anew_after_a_checkpoint_too() -> None:
    models, rates = (network(), network()), []
    first, second = (built("sgd", model, lr=1.0, restarts=1) for model in models)
    run(first, models[0], range(45))
    first.scale_rate(0.1)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    for step in range(45, 55):
        run(second, models[1], range(step, step + 1))
        rates.append(rate(second))
    assert rates == pytest.approx([0.1] * 5 + [1.0] * 5)


def test_noam_rises_to_its_peak_and_falls_with_the_square_root() -> None:
    model = network()
    optimization = built("noam", model, peak=0.02, warmup=0.2)
    rates = []
    for step in range(UPDATES):
        run(optimization, model, range(step, step + 1))
        rates.append(rate(optimization))
    expected = [0.02 * min(t / 20, math.sqrt(20 / t)) for t in range(1, UPDATES + 1)]
    assert rates == pytest.approx(expected)
    assert max(rates) == rates[19] == pytest.approx(0.02)


def test_noam_steps_as_torchs_adam_with_that_rate() -> None:
    ours, theirs = network(), network()
    run(built("noam", ours, peak=0.02, warmup=0.2), ours, range(3))
    reference = torch.optim.Adam(theirs.parameters(), lr=0.0, betas=(0.9, 0.98), eps=1e-9)
    for step in range(3):
        reference.param_groups[0]["lr"] = 0.02 * (step + 1) / 20
        set_gradients(theirs, step, 0.1)
        reference.step()
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one, other)
