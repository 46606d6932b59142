"""Every decoder under every combination of its switches. Shapes: B sentences, T steps, E embedding, C code."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from uncollapse.models.configuration import components
from uncollapse.models.conformance.decoder import CODE, EMBEDDING, EVERY, Make, words_and_code
from uncollapse.models.conformance.variants import name, switches, variants

IN_ORDER = [
    settings
    for kind in components.kinds("decoder")
    for settings in variants("decoder", kind)
    if components.attribute("decoder", settings["kind"], "predicts") == "words" and settings.get("field", 7) == 7
]
every = pytest.mark.parametrize("settings", IN_ORDER, ids=name)


def built(settings: dict[str, Any]) -> nn.Module:
    return components.build("decoder", settings, EMBEDDING, CODE).eval()


def reads_code(settings: dict[str, Any]) -> bool:
    return settings.get("inject", ("anywhere",)) != ()


@every
@pytest.mark.parametrize("check", EVERY, ids=lambda check: check.__name__)
def test_every_decoder_passes(settings: dict[str, Any], check: Callable[[Make], None]) -> None:
    check(lambda: components.build("decoder", settings, EMBEDDING, CODE))


@every
def test_gradients_reach_every_parameter_and_the_code(settings: dict[str, Any]) -> None:
    embedded, mask, code = words_and_code()
    decoder = built(settings)
    if "heads" in settings:
        code = torch.randn(3, 7, CODE)  # with a single code there is nothing for attention to choose from
    code.requires_grad_()
    hidden = decoder(embedded, mask, code)
    (hidden * torch.randn_like(hidden))[mask].sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in decoder.parameters())
    if reads_code(settings):
        assert (code.grad[mask] if code.dim() == 3 else code.grad).abs().sum(-1).gt(0).all()
    else:
        assert code.grad is None


@every
def test_the_code_reaches_every_step(settings: dict[str, Any]) -> None:
    embedded, mask, code = words_and_code()
    decoder = built(settings)
    moved = (decoder(embedded, mask, code + 1.0) - decoder(embedded, mask, code)).abs().sum(-1)
    assert moved.gt(1e-6).all() if reads_code(settings) else moved.eq(0).all()


@pytest.mark.parametrize("inject", switches("decoder", "recurrent")["inject"], ids="+".join)
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_recurrent_against_torch_with_the_code_put_in_by_hand(cell: str, inject: tuple[str, ...]) -> None:
    embedded, mask, code = words_and_code()
    decoder = built(
        components.resolve("decoder", {"kind": "recurrent", "cell": cell, "hidden": 8, "layers": 2, "inject": inject})
    )
    beside = code.unsqueeze(1).repeat(1, 7, 1)
    entering = torch.cat([embedded, beside], -1) if "input" in inject else embedded
    state = None
    if "state" in inject:
        blocks = decoder.to_state(code).split(8, dim=1)  # hidden of layer 1, of layer 2, then the cell states
        state = torch.stack(blocks[:2])
        state = (state, torch.stack(blocks[2:])) if cell == "lstm" else state
    expected = decoder.rnn(entering, state)[0]
    if "output" in inject:
        expected = torch.cat([expected, beside], -1)
    torch.testing.assert_close(decoder(embedded, mask, code), expected)


@pytest.fixture
def transformer() -> nn.Module:
    settings = {"kind": "transformer", "hidden": 8, "layers": 2, "heads": 2, "feedforward": 8}
    return built(components.resolve("decoder", settings))


def test_codes_outside_their_mask_are_not_read(transformer: nn.Module) -> None:
    embedded, mask, _ = words_and_code()
    codes, there = torch.randn(3, 4, CODE), torch.tensor([[1, 1, 0, 0], [1, 1, 1, 1], [1, 0, 0, 0]]).bool()
    before = transformer(embedded, mask, codes, there)
    hidden = torch.where(there.unsqueeze(-1), codes, torch.full_like(codes, 7.0))
    torch.testing.assert_close(transformer(embedded, mask, hidden, there), before)
    read = torch.where(there.unsqueeze(-1), codes + 1.0, codes)
    assert (transformer(embedded, mask, read, there) - before).abs().sum(-1).gt(1e-5).all()


def test_by_default_codes_share_the_mask_of_their_sentence(transformer: nn.Module) -> None:
    embedded, mask, _ = words_and_code()
    codes = torch.randn(3, 7, CODE)
    torch.testing.assert_close(transformer(embedded, mask, codes), transformer(embedded, mask, codes, mask))


def test_one_code_is_a_memory_of_one(transformer: nn.Module) -> None:
    embedded, mask, code = words_and_code()
    there = torch.ones(3, 1, dtype=torch.bool)
    expected = transformer(embedded, mask, code.unsqueeze(1), there)
    torch.testing.assert_close(transformer(embedded, mask, code), expected)


def test_the_order_of_words_matters_to_attention(transformer: nn.Module) -> None:
    embedded, _, code = words_and_code()
    everywhere = torch.ones(3, 7, dtype=torch.bool)
    swapped = embedded[:, [1, 0, 2, 3, 4, 5, 6]]
    ends = [transformer(words, everywhere, code)[:, -1] for words in (embedded, swapped)]
    assert (ends[0] - ends[1]).abs().max() > 1e-3


def convolutional(field: int, **options: Any) -> nn.Module:
    settings = {"kind": "convolutional", "hidden": 16, "field": field, "residual": True, **options}
    return built(components.resolve("decoder", settings))


@pytest.mark.parametrize("field", [3, 7, 15, 31, 63, 127, 255])
def test_a_prediction_sees_as_many_words_as_the_field_says_and_no_more(field: int) -> None:
    steps = field + 3
    embedded, mask, code = (
        torch.randn(1, steps, EMBEDDING),
        torch.ones(1, steps, dtype=torch.bool),
        torch.randn(1, CODE),
    )
    decoder, last = convolutional(field), steps - 1
    before = decoder(embedded, mask, code)[0, last]
    for distance, seen in ((0, True), (field - 1, True), (field, False), (field + 1, False)):
        other = embedded.clone()
        other[:, last - distance] += 10.0
        assert torch.equal(decoder(other, mask, code)[0, last], before) != seen


def test_a_bag_decoder_without_layers_predicts_from_the_code_itself() -> None:
    code = torch.randn(3, CODE)
    assert torch.equal(built(components.resolve("decoder", {"kind": "bag"}))(code), code)
    deeper = built(components.resolve("decoder", {"kind": "bag", "layers": 2, "hidden": 6}))
    expected = deeper.stack.layers[1](deeper.stack.layers[0](code).tanh()).tanh()
    torch.testing.assert_close(deeper(code), expected)
    assert deeper.size == 6


def test_a_classifier_is_two_layers_of_leaky_rectifiers() -> None:
    code = torch.randn(3, CODE)
    decoder = built(components.resolve("decoder", {"kind": "classifier"}))
    first, second = decoder.stack.layers
    leaky = nn.functional.leaky_relu
    torch.testing.assert_close(decoder(code), leaky(second(leaky(first(code)))))
    assert [layer.out_features for layer in decoder.stack.layers] == [32, 32]
