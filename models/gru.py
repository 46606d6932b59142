"""A GRU with gradients, on a processor: step by step, but for what all steps can share. Shapes: T B E, H hidden.

r, u = sigmoid(W x + U h + b), n = tanh(W x + b + r (U h + b)), h' = (1 - u) n + u h, as `nn.GRU` has it. That adds up
the gradient of U step by step and keeps a graph of every step; here one product of all steps makes it, and the slopes
of the gates are made for all steps at once, so that a step back is three kernels.
"""

from typing import Any, TypeGuard

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


def run_gru(gru: nn.GRU, entering: Tensor, state: Tensor | None) -> Tensor:
    """Outputs (B, T, H) of one layer under inputs (B, T, E) and a first state (1, B, H), or zeros."""
    first = entering.new_zeros(len(entering), gru.hidden_size) if state is None else state[0]
    steps: Tensor = _Steps.apply(entering.transpose(0, 1).contiguous(), first, *gru.all_weights[0])
    return steps.transpose(0, 1)


def faster(rnn: nn.RNNBase, entering: Tensor) -> TypeGuard[nn.GRU]:
    """Whether `run_gru` stands in: one direction of one layer that learns, in float32 on a processor."""
    plain = isinstance(rnn, nn.GRU) and rnn.num_layers == 1 and not rnn.bidirectional
    on_processor = entering.device.type == "cpu" and not torch.is_autocast_enabled("cpu")
    return plain and on_processor and torch.is_grad_enabled()


class _Steps(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, first: Tensor, by_input: Tensor, by_state: Tensor, bias: Tensor, inner: Tensor
    ) -> Tensor:
        steps, rows, size = len(x), x.shape[1], by_state.shape[1]
        gates = torch.addmm(bias, x.flatten(0, 1), by_input.t()).view(steps, rows, -1)
        turned = inner.repeat(steps, rows, 1)  # U h + b of every step
        outputs = x.new_empty(steps, rows, size)
        sigmoids, turned_sigmoids = gates[..., : 2 * size].unbind(0), turned[..., : 2 * size].unbind(0)
        r, u, n = (gate.unbind(0) for gate in gates.chunk(3, -1))
        candidates, across, h = turned[..., 2 * size :].unbind(0), by_state.t(), first
        for t, (whole, out) in enumerate(zip(turned.unbind(0), outputs.unbind(0), strict=True)):
            whole.addmm_(h, across)
            sigmoids[t].add_(turned_sigmoids[t]).sigmoid_()
            n[t].addcmul_(r[t], candidates[t]).tanh_()
            h = torch.lerp(n[t], h, u[t], out=out)
        ctx.save_for_backward(x, first, by_input, by_state, gates, turned, outputs)
        return outputs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, by_outputs: Tensor) -> Any:
        x, first, by_input, by_state, gates, turned, outputs = ctx.saved_tensors
        before = torch.cat([first.unsqueeze(0), outputs[:-1]])
        slopes = _slopes(gates, turned, before)
        by_first = _back(slopes, gates.chunk(3, -1)[1], by_state, by_outputs)
        size = 3 * by_state.shape[1]
        flat = slopes.flatten(0, 1).flatten(1)
        turned_gates, input_gates = flat[:, :size].contiguous(), flat.view(len(flat), 4, -1)[:, [0, 1, 3]].flatten(1)
        return (
            torch.mm(input_gates, by_input).view_as(x),
            by_first,
            torch.mm(input_gates.t(), x.flatten(0, 1)),
            torch.mm(turned_gates.t(), before.flatten(0, 1)),
            input_gates.sum(0),
            turned_gates.sum(0),
        )


def _slopes(gates: Tensor, turned: Tensor, before: Tensor) -> Tensor:
    """d h' over what enters r, u, the turned candidate and the candidate: (T, B, 4, H)."""
    (r, u, n), candidate = gates.chunk(3, -1), turned.chunk(3, -1)[2]
    slopes = gates.new_empty(*n.shape[:-1], 4, n.shape[-1])
    by_r, by_u, by_turned, by_n = slopes.unbind(2)
    torch.mul(1 - n.square(), 1 - u, out=by_n)
    torch.mul(by_n, r, out=by_turned)
    torch.mul(by_turned * (1 - r), candidate, out=by_r)
    torch.mul((before - n) * u, 1 - u, out=by_u)
    return slopes


def _back(slopes: Tensor, kept: Tensor, by_state: Tensor, by_outputs: Tensor) -> Tensor:
    """Slopes become gradients, in place; the gradient of the first state (B, H)."""
    three = slopes.flatten(2)[..., : len(by_state)].unbind(0)
    by_h = torch.zeros_like(by_outputs[0])
    for t in range(len(slopes) - 1, -1, -1):
        by_h = by_h + by_outputs[t]
        slopes[t].mul_(by_h.unsqueeze(1))
        by_h = (by_h * kept[t]).addmm_(three[t], by_state)
    return by_h
