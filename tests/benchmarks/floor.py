"""The floor of a training step: its matrix products alone, forwards and backwards, with nothing between them.

Shapes: B sentences, T steps, G gates, H hidden; a product is (rows, inner) x (inner, columns).
"""

from collections.abc import Sequence
from functools import cache, partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from uncollapse.models.batch import Batch
from uncollapse.models.text_vae import TextVAE


class Product(NamedTuple):
    """`times` products, each of `batch` independent ones of one shape."""

    rows: int
    inner: int
    columns: int
    batch: int = 1
    times: int = 1

    @property
    def operations(self) -> int:
        return 2 * self.rows * self.inner * self.columns * self.batch * self.times

    def backwards(self) -> list["Product"]:
        """The gradients of both operands."""
        by_left = self._replace(inner=self.columns, columns=self.inner)
        return [by_left, self._replace(rows=self.inner, inner=self.rows)]


def products(model: TextVAE, batch: Batch, sequential: bool) -> list[Product]:
    """Every product of one update on a batch.

    Args:
        sequential: a recurrent step waits for the one before, (B, H) x (H, G) at a time; else one product of all steps.
            The gradient of its weights is one product of all steps in any case.
    """
    found: list[Product] = []
    targets = int(batch.lengths.sum()) if model.decoder.predicts == "words" else len(batch.tokens)
    handles = [module.register_forward_hook(partial(_note, found)) for module in _hooked(model)]
    with torch.no_grad():
        model.trace(batch)
    for handle in handles:
        handle.remove()
    logits = model.output.logits
    found.append(Product(targets, logits.in_features, logits.out_features))
    both = [product for forward in found for product in (forward, *forward.backwards())]
    for module in model.modules():
        if isinstance(module, nn.RNNBase):
            both += _recurrent(module, *batch.tokens.shape, sequential)
    return both


def _hooked(model: TextVAE) -> list[nn.Module]:
    kinds = (nn.Linear, nn.Conv1d, nn.MultiheadAttention)
    return [module for module in model.modules() if isinstance(module, kinds) and module is not model.output.logits]


def _note(found: list[Product], module: nn.Module, given: tuple[Tensor, ...], _: Any) -> None:
    if isinstance(module, nn.Linear):
        found.append(Product(given[0].numel() // module.in_features, module.in_features, module.out_features))
    elif isinstance(module, nn.Conv1d):
        steps = given[0].shape[2] - (module.kernel_size[0] - 1) * module.dilation[0]
        inner = module.in_channels * module.kernel_size[0]
        found.append(Product(len(given[0]) * steps, inner, module.out_channels))
    elif isinstance(module, nn.MultiheadAttention):
        found.extend(_attention(module, *given[:2]))


def _attention(module: nn.MultiheadAttention, query: Tensor, key: Tensor) -> list[Product]:
    size, heads = module.embed_dim, module.num_heads
    (sentences, steps), others = query.shape[:2], key.shape[1]
    rows, each = sentences * steps, sentences * heads
    projected = [Product(rows, size, size), Product(sentences * others, size, 2 * size), Product(rows, size, size)]
    scores = Product(steps, size // heads, others, batch=each)
    return [*projected, scores, Product(steps, others, size // heads, batch=each)]


def _recurrent(rnn: nn.RNNBase, sentences: int, steps: int, sequential: bool) -> list[Product]:
    found = []
    directions = 2 if rnn.bidirectional else 1
    for layer in range(rnn.num_layers):
        entering, hidden = rnn.input_size if layer == 0 else rnn.hidden_size * directions, rnn.hidden_size
        gates = hidden * (4 if isinstance(rnn, nn.LSTM) else 3)
        of_input, all_steps = Product(sentences * steps, entering, gates), Product(sentences * steps, hidden, gates)
        one_step = Product(sentences, hidden, gates, times=steps)
        of_state = [one_step, one_step.backwards()[0]] if sequential else [all_steps, all_steps.backwards()[0]]
        found += directions * [of_input, *of_input.backwards(), *of_state, all_steps.backwards()[1]]
    return found


def run(work: Sequence[Product]) -> None:
    """The products, on operands that lie ready."""
    for product in work:
        left, right, out = operands(product._replace(times=1))
        for _ in range(product.times):
            torch.mm(left, right, out=out) if product.batch == 1 else torch.bmm(left, right, out=out)


@cache
def operands(product: Product) -> tuple[Tensor, Tensor, Tensor]:
    ahead = () if product.batch == 1 else (product.batch,)
    left, right = torch.randn(*ahead, product.rows, product.inner), torch.randn(*ahead, product.inner, product.columns)
    return left, right, torch.empty(*ahead, product.rows, product.columns)


def operations(work: Sequence[Product]) -> int:
    """Floating-point operations, a multiplication and an addition as two."""
    return sum(product.operations for product in work)
