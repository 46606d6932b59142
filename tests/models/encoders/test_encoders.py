"""Every encoder under every combination of its switches. Shapes: B sentences, T steps, EMBEDDING embedding, H features."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.support.models import batch
from uncollapse.models.batch import Batch
from uncollapse.models.configuration import components
from uncollapse.models.conformance.encoder import EMBEDDING, EVERY, Make
from uncollapse.models.conformance.variants import name, variants
from uncollapse.models.corpus_info import CorpusInfo

every = pytest.mark.parametrize(
    "settings",
    [settings for kind in components.kinds("encoder") if kind != "bert" for settings in variants("encoder", kind)],
    ids=name,
)


def embedded(words: Batch, seed: int = 0) -> Tensor:
    table = torch.randn(40, EMBEDDING, generator=torch.Generator().manual_seed(seed))
    return table[words.tokens]


def built(settings: dict[str, Any]) -> nn.Module:
    return components.build("encoder", settings, EMBEDDING, CorpusInfo(9)).eval()


@every
@pytest.mark.parametrize("check", EVERY, ids=lambda check: check.__name__)
def test_every_encoder_passes(settings: dict[str, Any], check: Callable[[Make], None]) -> None:
    check(lambda: components.build("encoder", settings, EMBEDDING, CorpusInfo(9)))


@every
def test_gradients_reach_eos_too_where_there_is_an_order(settings: dict[str, Any]) -> None:
    words = batch([3, 7, 5])
    encoder, entering = built(settings), embedded(words).requires_grad_()
    features = encoder(entering, words.mask)
    if encoder.size and settings["kind"] != "bag":
        (features * torch.randn_like(features))[words.mask].sum().backward()
        assert entering.grad[words.mask].abs().sum(-1).gt(0).all()


def cells(kind: str, layers: int, rnn: nn.Module) -> list[nn.Module]:
    """Single-step cells with the weights of a stacked network."""
    made = []
    for layer in range(layers):
        width = EMBEDDING if layer == 0 else rnn.hidden_size
        cell = (nn.LSTMCell if kind == "lstm" else nn.GRUCell)(width, rnn.hidden_size)
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        cell.load_state_dict({key: getattr(rnn, f"{key}_l{layer}").detach() for key in names})
        made.append(cell)
    return made


@pytest.mark.parametrize("kind", ["lstm", "gru"])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("lengths", [[3, 6, 1, 3, 5, 6], [4, 4], [2]])
def test_the_ends_are_the_states_of_every_last_step(kind: str, layers: int, lengths: list[int]) -> None:
    settings = {"kind": "recurrent", "cell": kind, "hidden": 8, "layers": layers, "features": "states"}
    words = batch(lengths)
    encoder, entering = built(components.resolve("encoder", settings)), embedded(words)
    last = words.lengths - 1
    ends, steps = encoder.ends(entering, words.lengths), encoder(entering, words.mask)
    torch.testing.assert_close(ends, steps[torch.arange(len(last)), last])
    by_ends, by_steps = (
        torch.autograd.grad(found.square().sum(), list(encoder.parameters()))
        for found in (ends, steps[torch.arange(len(last)), last])
    )
    for one, other in zip(by_ends, by_steps, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-4)


def test_ends_are_left_to_all_steps_where_dropout_draws_at_each() -> None:
    words = batch([3, 5])
    dropped = {"kind": "recurrent", "hidden": 8, "features": "states", "dropout": 0.5}
    for settings in (dropped, {"kind": "recurrent", "hidden": 8}):
        encoder = built(components.resolve("encoder", settings))
        assert encoder.ends(embedded(words), words.lengths) is None


@pytest.mark.parametrize("kind", ["lstm", "gru"])
@pytest.mark.parametrize("layers", [1, 2])
def test_states_are_those_of_single_cells_run_step_by_step(kind: str, layers: int) -> None:
    words = batch([6, 4])
    settings = components.resolve(
        "encoder", {"kind": "recurrent", "cell": kind, "hidden": 8, "layers": layers, "features": "states"}
    )
    encoder, entering = built(settings), embedded(words)
    found = encoder(entering, words.mask)
    stack = cells(kind, layers, encoder.rnn)
    hidden = [torch.zeros(2, 8) for _ in stack]
    memory = [torch.zeros(2, 8) for _ in stack]
    for step in range(6):
        below = entering[:, step]
        for number, cell in enumerate(stack):
            if kind == "lstm":
                hidden[number], memory[number] = cell(below, (hidden[number], memory[number]))
            else:
                hidden[number] = cell(below, hidden[number])
            below = hidden[number]
        beside = [*hidden, *memory] if kind == "lstm" else hidden
        torch.testing.assert_close(found[:, step], torch.cat(beside, -1), atol=1e-6, rtol=1e-5)


def test_the_second_direction_starts_at_the_end_of_each_sentence() -> None:
    words = batch([6, 4])
    encoder = built(components.resolve("encoder", {"kind": "recurrent", "hidden": 8, "bidirectional": True}))
    entering = embedded(words)
    found = encoder(entering, words.mask)
    backward = nn.LSTM(EMBEDDING, 8, batch_first=True)
    backward.load_state_dict({key: getattr(encoder.rnn, f"{key}_reverse").detach() for key in backward.state_dict()})
    for row, length in enumerate(words.lengths):
        expected = backward(entering[row : row + 1, :length].flip(1))[0].flip(1)
        torch.testing.assert_close(found[row, :length, 8:], expected[0])


def test_dropout_acts_on_features_in_training_only() -> None:
    words = batch([6, 4])
    encoder = built(components.resolve("encoder", {"kind": "recurrent", "hidden": 64, "dropout": 0.5}))
    assert not (encoder(embedded(words), words.mask) == 0).any()
    dropped = (encoder.train()(embedded(words), words.mask) == 0).float()
    assert abs(dropped.mean() - 0.5) < 4 * 0.5 / dropped.numel() ** 0.5


def test_a_bag_is_the_counts_of_its_words_through_the_embedding_table() -> None:
    words, table = batch([4, 6]), torch.randn(40, EMBEDDING)
    encoder = built(components.resolve("encoder", {"kind": "bag", "layers": 1, "hidden": 8}))
    counts = torch.stack(
        [row[: length - 1].bincount(minlength=40) for row, length in zip(words.tokens, words.lengths, strict=True)]
    )
    expected = encoder.stack.layers[0]((counts.float() @ table + encoder.bias).tanh()).tanh()
    found = encoder(table[words.tokens], words.mask)
    for step in range(6):
        torch.testing.assert_close(found[:, step], expected, atol=1e-5, rtol=1e-5)
