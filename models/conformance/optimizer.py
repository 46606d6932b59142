"""What every optimizer must do."""

import copy
from collections.abc import Callable

import torch
from torch import nn

from uncollapse.models.conformance.failure import demand
from uncollapse.models.optimizers._base import Optimization

Make = Callable[[nn.Module], Optimization]


def network() -> nn.Module:
    """The same small network each time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))


def followed(optimization: Optimization, model: nn.Module, steps: range) -> None:
    """Move a network by made gradients, one of each step."""
    for step in steps:
        random = torch.Generator().manual_seed(step)
        for parameter in model.parameters():
            parameter.grad = 0.1 * torch.randn(parameter.shape, generator=random)
        optimization.step()


def a_step_moves_counts_and_clears(make: Make) -> None:
    """A step moves every parameter, is counted, and leaves no gradient behind."""
    model, before = network(), network()
    optimization = make(model)
    followed(optimization, model, range(1))
    demand(optimization.updates == 1, f"one step is counted as {optimization.updates}")
    for (name, old), new in zip(before.named_parameters(), model.parameters(), strict=True):
        demand((old != new).any(), f"a step does not move {name}")
        demand(new.grad is None, f"a step leaves the gradient of {name} behind")


def a_saved_state_goes_on_as_if_never_saved(make: Make) -> None:
    """Four steps, a saved and loaded state and four more give what eight steps give, bit for bit."""
    whole, first = network(), network()
    followed(make(whole), whole, range(8))
    begun = make(first)
    followed(begun, first, range(4))
    second = network()
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    resumed = make(second)
    resumed.load_state_dict(copy.deepcopy(begun.state_dict()))
    followed(resumed, second, range(4, 8))
    for (name, one), other in zip(whole.named_parameters(), second.parameters(), strict=True):
        demand(torch.equal(one, other), f"{name} is another after the state was saved and loaded")


EVERY: tuple[Callable[[Make], None], ...] = (a_step_moves_counts_and_clears, a_saved_state_goes_on_as_if_never_saved)
