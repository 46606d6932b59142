"""Greedy and beam search against lists of every sentence. Shapes: B codes, T steps."""

import itertools

import pytest
import torch

from tests.models.generation import tiny_models
from uncollapse.models.batch import BOS, EOS, PAD
from uncollapse.models.generation import posterior
from uncollapse.models.generation.codes import Codes
from uncollapse.models.generation.search import beam, greedy
from uncollapse.models.text_vae import TextVAE

WHOLE_TREE = 400  # more than the 85 sentences and 256 unfinished prefixes of LONGEST words


def codes(model: TextVAE, lengths: tuple[int, ...] = (3, 5)) -> Codes:
    return posterior.at_mean(model, tiny_models.batch(list(lengths)))


@pytest.mark.parametrize("name", tiny_models.LISTED)
def test_greedy_takes_the_likeliest_word_at_every_step(name: str) -> None:
    model = tiny_models.model(name)
    with torch.inference_mode():
        of = codes(model)
        said = greedy(model, of, longest=4)
        for row in range(len(of)):
            path: tuple[int, ...] = ()
            while len(path) < 5 and EOS not in path:
                following = [(*path, word) for word in (EOS, *tiny_models.SAYABLE)]
                path = following[int(tiny_models.log_p(model, of, row, following).argmax())]
            assert tiny_models.spoken(said[row]) == (path if EOS in path else path[:4])


@pytest.mark.parametrize("normalise", [0.0, 1.0])
@pytest.mark.parametrize("name", tiny_models.LISTED)
def test_a_beam_as_wide_as_the_tree_finds_the_best_of_all_sentences(name: str, normalise: float) -> None:
    model = tiny_models.model(name, seed=3)
    every = tiny_models.sentences()
    with torch.inference_mode():
        of = codes(model)
        said = beam(model, of, tiny_models.LONGEST, WHOLE_TREE, normalise)
        for row in range(len(of)):
            rank = tiny_models.log_p(model, of, row, every) / torch.tensor([len(words) for words in every]) ** normalise
            assert tiny_models.spoken(said[row]) == every[int(rank.argmax())]


@pytest.mark.parametrize("name", tiny_models.LISTED)
def test_a_beam_of_one_is_greedy(name: str) -> None:
    model = tiny_models.model(name, seed=1)
    with torch.inference_mode():
        of = codes(model, (3, 5, 2, 7))
        found, expected = beam(model, of, 6, width=1), greedy(model, of, 6)
    assert [tiny_models.spoken(row) for row in found] == [tiny_models.spoken(row) for row in expected]


def test_sentences_end_at_eos_or_are_cut_after_so_many_words() -> None:
    model = tiny_models.model("seqvae")
    with torch.no_grad():
        of = codes(model, (3, 5))
        model.output.logits.bias[EOS] = -1e4
        assert [len(tiny_models.spoken(row)) for row in greedy(model, of, 5)] == [5, 5]
        assert not (beam(model, of, 5, 3) == EOS).any()
        model.output.logits.bias[EOS] = 1e4
        assert [tiny_models.spoken(row) for row in greedy(model, of, 5)] == [(EOS,), (EOS,)]


def test_a_sentence_of_exactly_so_many_words_may_end() -> None:
    model = tiny_models.model("seqvae")
    with torch.inference_mode():
        of = codes(model, (3,))
        free = tiny_models.spoken(greedy(model, of, 30)[0])
        assert free[-1] == EOS, "the case needs a sentence that ends"
        assert tiny_models.spoken(greedy(model, of, len(free) - 1)[0]) == free
        assert tiny_models.spoken(greedy(model, of, len(free) - 2)[0]) == free[:-2]


def test_what_has_ended_is_preferred_to_what_is_cut_off() -> None:
    model = tiny_models.model("seqvae")
    with torch.no_grad():
        of = codes(model, (3,))
        model.output.logits.bias[4] += 6.0
        best = tiny_models.spoken(beam(model, of, tiny_models.LONGEST, WHOLE_TREE)[0])
        every = tiny_models.sentences()
        ended = tiny_models.log_p(model, of, 0, every)
        cut_off = tiny_models.log_p(
            model, of, 0, list(itertools.product(tiny_models.SAYABLE, repeat=tiny_models.LONGEST + 1))
        )
        assert cut_off.max() > ended.max(), "the case needs a prefix that is likelier than every sentence"
        assert best == every[int(ended.argmax())]


def test_padding_and_the_start_are_never_said() -> None:
    model = tiny_models.model("seqvae")
    with torch.no_grad():
        of = codes(model, (3, 5))
        model.output.logits.bias[[PAD, BOS]] = 1e4
        for said in (greedy(model, of, 4), beam(model, of, 4, 3)):
            assert not (said == BOS).any()
            assert (said[:, 0] != PAD).all()


@pytest.mark.parametrize("name", ["seqvae", "vat"])
def test_a_sentence_is_said_alike_alone_and_in_company(name: str) -> None:
    model = tiny_models.model(name, seed=4)
    with torch.inference_mode():
        of = codes(model, (3, 7, 5))
        for decode in (lambda given: greedy(model, given, 6), lambda given: beam(model, given, 6, 3)):
            together = [tiny_models.spoken(row) for row in decode(of)]
            alone = [tiny_models.spoken(decode(of.rows(torch.tensor([row])))[0]) for row in range(3)]
            assert together == alone
