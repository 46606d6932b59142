"""-log softmax(W h + b) of one word a row, on a processor. Shapes: N rows, H state, V vocabulary."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import cross_entropy

_IN_CACHE = 2**17  # numbers that are passed over several times while they are near
AT_ONCE = 512  # rows, where no gradient needs them all


def word_losses(states: Tensor, logits: nn.Linear, targets: Tensor) -> Tensor:
    """Losses (N,) in nats of `targets` (N,) under states (N, H).

    One buffer of (N, V) serves logits and gradient, where `cross_entropy` takes three; the gradient of each loss scales
    the rows of the narrow operands and not of the wide one.
    """
    if torch.is_grad_enabled():
        losses: Tensor = _Losses.apply(states, logits.weight, logits.bias, targets)
        return losses
    parts = zip(states.split(AT_ONCE), targets.split(AT_ONCE), strict=True)
    return torch.cat([cross_entropy(logits(part), chosen, reduction="none") for part, chosen in parts])


def _in_place(logits: Tensor, targets: Tensor) -> Tensor:
    """Logits become probabilities; the losses (N,)."""
    own, top = logits.gather(1, targets.unsqueeze(1)).squeeze(1), logits.amax(1)
    torch.softmax(logits, 1, out=logits)  # row by row, and faster than exp alone
    return (top - own) - logits.amax(1).log()


class _Losses(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, states: Tensor, weight: Tensor, bias: Tensor, targets: Tensor) -> Tensor:
        wide = torch.addmm(bias, states, weight.t())
        rows = max(1, _IN_CACHE // len(weight))
        near = zip(wide.split(rows), targets.split(rows), strict=True)
        losses = torch.cat([_in_place(logits, chosen) for logits, chosen in near])
        wide.scatter_add_(1, targets.unsqueeze(1), wide.new_full((len(wide), 1), -1.0))
        ctx.save_for_backward(states, weight, wide)
        return losses

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, by_loss: Tensor) -> Any:
        states, weight, wide = ctx.saved_tensors
        scale, across = by_loss.unsqueeze(1), wide.t()
        by_states, by_weight = torch.mm(wide, weight).mul_(scale), torch.mm(across, states * scale)
        return by_states, by_weight, torch.mv(across, by_loss), None
