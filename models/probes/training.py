"""How a probe is trained: Adam until held-out rows stop to improve. Shapes: N rows; B rows of a batch."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils import skip_init

from uncollapse.models.measures.checks import NotFinite

BATCH = 128
EPOCHS, PATIENCE = 100, 8
HELD_OUT = 0.1
RATE = 3e-3

Loss = Callable[[Tensor, torch.Generator], Tensor]


@dataclass(frozen=True)
class Training:
    """How many rows a probe learned from, how many told it when to stop, and how many epochs it ran."""

    rows: int
    held_out: int
    epochs: int


def dense(inputs: int, outputs: int, generator: torch.Generator) -> nn.Linear:
    """Return a linear layer with torch's usual uniform start, drawn from `generator` and not from the global one."""
    layer = skip_init(nn.Linear, inputs, outputs)
    for parameter in layer.parameters():
        nn.init.uniform_(parameter, -1 / math.sqrt(inputs), 1 / math.sqrt(inputs), generator=generator)
    return layer


def fit(probe: nn.Module, loss: Loss, count: int, generator: torch.Generator) -> Training:
    """Train a probe in place and leave it with the weights of its best epoch.

    A tenth of the rows is held out; training ends when their loss has not improved for 8 epochs, after 100 at most.

    Args:
        probe: a module whose parameters `loss` depends on.
        loss: (rows (B,), generator) -> scalar, the mean over these rows, whose draws come from the generator.
        count: N, two or more.
        generator: of the hold-out, the order and the draws, on the CPU.
    """
    if count < 2:
        raise ValueError(f"A probe needs two rows or more to learn from; it was given {count}.")
    order = torch.randperm(count, generator=generator)
    held, kept = order.split([max(1, int(HELD_OUT * count)), count - max(1, int(HELD_OUT * count))])
    best = BestEpoch(probe, seed=int(torch.randint(2**31, (1,), generator=generator)))
    optimizer = torch.optim.Adam(probe.parameters(), lr=RATE)
    epochs = 0
    while epochs < EPOCHS and best.waited < PATIENCE:
        _epoch(loss, kept[torch.randperm(len(kept), generator=generator)], optimizer, generator)
        best.note(loss, held)
        epochs += 1
    probe.load_state_dict(best.state)
    return Training(len(kept), len(held), epochs)


def _epoch(loss: Loss, rows: Tensor, optimizer: torch.optim.Optimizer, generator: torch.Generator) -> None:
    for batch in rows.split(BATCH):
        optimizer.zero_grad()
        loss(batch, generator).backward()
        optimizer.step()


class BestEpoch:
    """The best epoch so far by the loss of held-out rows, whose draws are the same at every epoch."""

    def __init__(self, probe: nn.Module, seed: int) -> None:
        self._probe, self._seed, self._loss = probe, seed, math.inf
        self.state: Mapping[str, Tensor] = {}
        self.waited = 0

    def note(self, loss: Loss, held: Tensor) -> None:
        generator = torch.Generator().manual_seed(self._seed)
        with torch.no_grad():
            parts = [float(loss(rows, generator)) * len(rows) for rows in held.split(BATCH)]
        value = sum(parts) / len(held)
        if not math.isfinite(value):
            raise NotFinite(f"The loss of a probe must be finite; it is {value}.")
        self.waited += 1
        if value < self._loss:
            self._loss, self.waited = value, 0
            self.state = {name: tensor.clone() for name, tensor in self._probe.state_dict().items()}
