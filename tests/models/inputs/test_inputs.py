"""Embedded words, word dropout and the inputless mode."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tests.support.models import VOCABULARY, batch
from uncollapse.models.batch import BOS, PAD, UNK, Batch
from uncollapse.models.configuration import components
from uncollapse.models.conformance.inputs import EVERY, Make
from uncollapse.models.corpus_info import CorpusInfo

WORDS = batch([3, 7, 5])
every = pytest.mark.parametrize("kind", components.kinds("inputs"))


def built(kind: str = "embedded", **options: object) -> nn.Module:
    return components.build(
        "inputs", components.resolve("inputs", {"kind": kind, "size": 6, **options}), CorpusInfo(VOCABULARY)
    ).eval()


@every
@pytest.mark.parametrize("check", EVERY, ids=lambda check: check.__name__)
def test_every_kind_of_inputs_passes(kind: str, check: Callable[[Make], None]) -> None:
    check(partial(built, kind))


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


def corpus_info(**options: Any) -> CorpusInfo:
    return CorpusInfo(VOCABULARY, classes=3, **options)


def test_each_side_has_a_table_of_its_own_when_told() -> None:
    inputs = components.build("inputs", components.resolve("inputs", {"size": 6, "shared": False}), corpus_info())
    assert not torch.equal(inputs.for_encoder(WORDS), inputs.table(WORDS.tokens))
    assert [one is inputs.encoder_table.weight for one in inputs.encoder_parameters()] == [True]
    assert list(built().encoder_parameters()) == []


def test_a_class_stands_beside_every_word_of_both_sides() -> None:
    inputs = components.build("inputs", components.resolve("inputs", {"size": 6, "label_size": 4}), corpus_info())
    words = Batch(WORDS.tokens, WORDS.lengths, torch.tensor([2, 0, 1]))
    assert inputs.encoder_size == inputs.decoder_size == 10
    for read in (inputs.for_encoder(words), inputs.for_decoder(words)):
        torch.testing.assert_close(read[:, :, 6:], inputs.label.table.weight[[2, 0, 1]].unsqueeze(1).expand(-1, 7, -1))


def test_a_bag_is_the_mean_of_the_words_without_eos_and_is_owned_up_to() -> None:
    inputs = components.build("inputs", components.resolve("inputs", {"size": 6, "bag_size": 4}), corpus_info()).eval()
    assert inputs.shows_bag
    assert not built().shows_bag
    assert (inputs.encoder_size, inputs.decoder_size) == (6, 10)
    read = inputs.for_decoder(WORDS)[:, 0, 6:]
    for row, length in enumerate(WORDS.lengths):
        mean = inputs.table.weight[WORDS.tokens[row, : length - 1]].mean(0)
        torch.testing.assert_close(read[row], inputs.bag.project(mean))


@pytest.mark.parametrize("vectors", ["start", "frozen"])
def test_word_vectors_are_where_training_starts(vectors: str) -> None:
    known = np.arange(VOCABULARY) % 2 == 0
    table = np.arange(VOCABULARY * 6, dtype=np.float32).reshape(VOCABULARY, 6)
    settings = components.resolve("inputs", {"size": 6, "vectors": vectors})
    inputs = components.build("inputs", settings, corpus_info(vectors=table, known=known))
    assert torch.equal(inputs.table.weight[known].detach(), torch.from_numpy(table[known]))
    assert inputs.table.weight.requires_grad == (vectors == "start")
    with pytest.raises(ValueError, match=r"inputs\.size: must be 6"):
        components.build("inputs", settings | {"size": 5}, corpus_info(vectors=table, known=known))
    with pytest.raises(ValueError, match=r"corpus\.vectors"):
        components.build("inputs", settings, corpus_info())


def test_bos_is_hidden_too_when_told() -> None:
    inputs = built(words=False, bos=False)
    torch.testing.assert_close(inputs.for_decoder(WORDS), inputs.table.weight[UNK].expand(3, 7, 6))
