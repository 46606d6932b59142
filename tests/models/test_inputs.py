"""Embedded words, word dropout and the inputless mode."""

import pytest
import torch
from torch import nn

from models import parts
from models.batch import BOS, PAD, UNK
from models.lexicon import Lexicon
from tests.pages import VOCABULARY, batch

WORDS = batch([3, 7, 5])
every = pytest.mark.parametrize("kind", parts.kinds("inputs"))


def built(kind: str = "embedded", **options: object) -> nn.Module:
    return parts.build(
        "inputs", parts.resolve("inputs", {"kind": kind, "size": 6, **options}), Lexicon(VOCABULARY)
    ).eval()


@every
def test_shapes_and_gradients(kind: str) -> None:
    inputs = built(kind)
    read = [inputs.for_encoder(WORDS), inputs.for_decoder(WORDS)]
    assert [one.shape for one in read] == [(3, 7, inputs.encoder_size)] * 2
    sum(read).sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in inputs.parameters())


@every
def test_the_decoder_never_reads_the_word_it_predicts(kind: str) -> None:
    inputs = built(kind)
    before = inputs.for_decoder(WORDS)
    for step in range(7):
        tokens = WORDS.tokens.clone()
        tokens[:, step:] = 39
        after = inputs.for_decoder(type(WORDS)(tokens, WORDS.lengths))
        torch.testing.assert_close(after[:, : step + 1], before[:, : step + 1])


def test_encoder_and_decoder_read_one_table() -> None:
    inputs = built()
    table = inputs.table.weight
    torch.testing.assert_close(inputs.for_encoder(WORDS), table[WORDS.tokens])
    assert [row.tolist() for row in inputs.for_decoder(WORDS)[:, 0]] == [table[BOS].tolist()] * 3
    torch.testing.assert_close(inputs.for_decoder(WORDS)[:, 1:], table[WORDS.tokens[:, :-1]])
    assert table[PAD].eq(0).all()


@pytest.mark.parametrize("training", [False, True])
def test_inputless_means_bos_and_then_unknown_words(training: bool) -> None:
    inputs = built(words=False).train(training)
    read = inputs.for_decoder(WORDS)
    torch.testing.assert_close(read[:, 0], inputs.table.weight[BOS].expand(3, 6))
    torch.testing.assert_close(read[:, 1:], inputs.table.weight[UNK].expand(3, 6, 6))
    torch.testing.assert_close(inputs.for_encoder(WORDS), inputs.table.weight[WORDS.tokens])


def test_word_dropout_hides_that_share_in_training_and_none_after() -> None:
    words = batch([41] * 50)
    inputs = built(word_dropout=0.3)
    torch.testing.assert_close(inputs.for_decoder(words), built_like(inputs).for_decoder(words))
    hidden = (inputs.train().for_decoder(words) == inputs.table.weight[UNK]).all(-1).double()
    assert hidden[:, 0].sum() == 0  # BOS is no word
    assert abs(hidden[:, 1:].mean() - 0.3) < 4 * (0.3 * 0.7 / 2000) ** 0.5
    torch.testing.assert_close(inputs.for_encoder(words), inputs.table.weight[words.tokens])


def built_like(inputs: nn.Module) -> nn.Module:
    """The same table without word dropout."""
    plain = built()
    plain.load_state_dict(inputs.state_dict())
    return plain


def test_dropout_acts_on_both_readers_in_training_only() -> None:
    words = batch([41] * 20)
    inputs = built(dropout=0.5)
    torch.testing.assert_close(inputs.for_encoder(words), inputs.table.weight[words.tokens])
    inputs.train()
    for read in (inputs.for_encoder(words), inputs.for_decoder(words)):
        zero = (read == 0).double().mean()
        assert abs(zero - 0.5) < 4 * 0.5 / read.numel() ** 0.5
