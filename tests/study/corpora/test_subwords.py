"""Subword tokens learned from the training split, and sentences encoded as the corpus was."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.places import ROOT
from uncollapse.study.corpora import subwords
from uncollapse.study.corpora.prepare import prepare
from uncollapse.study.corpora.section import parse
from uncollapse.study.corpora.settings import UNK
from uncollapse.study.errors import UserError

TEXTS = ["the tea was warm", "the teapot was cold", "a warm pot of tea", "cold coffee"] * 5
CAFES = {"name": "cafes", "sentences": 1500}


@given(st.lists(st.sampled_from(["the", "tea", "was", "warm", "cold", "coffee", "pot", "a", "of"]), min_size=1))
@settings(max_examples=50, deadline=None)
def test_pieces_of_known_letters_make_the_sentence_again(words: list[str]) -> None:
    split = subwords.splitter(subwords.train(TEXTS, 40))
    assert subwords.joined(split(" ".join(words))) == " ".join(words)


def test_frequent_words_are_one_piece_and_rare_ones_are_several() -> None:
    split = subwords.splitter(subwords.train(TEXTS * 10, 60))
    assert len(split("tea")) == 1
    assert len(split("wattle")) > 1
    assert "<unk>" in split("tea z")


def test_what_is_learned_depends_on_the_texts_alone() -> None:
    program = f"import sys; from uncollapse.study.corpora.subwords import train; sys.stdout.write(train({TEXTS!r}, 60))"
    told = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "RAYON_NUM_THREADS": threads, "PYTHONHASHSEED": threads},
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout
        for threads in ("1", "2", "3")
    }
    assert told == {subwords.train(TEXTS, 60).encode()}


def test_three_hundred_pieces_cover_every_generated_sentence(tmp_path: Path) -> None:
    corpus = prepare({**CAFES, "tokenizer": "subwords", "subwords": 300}, tmp_path, tmp_path)
    words = prepare(CAFES, tmp_path, tmp_path)
    assert len(corpus.vocabulary) <= 300 + 4
    for split in ("train", "valid", "test"):
        assert not (corpus.split(split).tokens == UNK).any()
        for number in range(5):
            ids = corpus.split(split)[number]
            assert np.array_equal(corpus.encode(corpus.sentence(ids)).ids, ids)
    assert corpus.sentence(corpus.split("train")[0]) == words.sentence(words.split("train")[0])


def test_a_new_sentence_is_encoded_as_the_corpus_was(tmp_path: Path) -> None:
    corpus = prepare(CAFES, tmp_path, tmp_path)
    ids = corpus.split("valid")[0]
    found = corpus.encode(corpus.sentence(ids) + " zyzzyva")
    assert np.array_equal(found.ids, [*ids, UNK])
    assert found.unknown[-1] == "zyzzyva"


def test_cleaning_is_remembered_with_the_corpus(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("text\n" + "The Tea was warm!\n" * 40, encoding="utf-8")
    corpus = prepare({"path": ".", "format": "csv", "text": "text"}, tmp_path / "cache", tmp_path)
    assert corpus.sentence(corpus.encode("The WARM tea!").ids) == "the warm tea !"


def test_counts_refuse_sentences(tmp_path: Path) -> None:
    (tmp_path / "train.feat").write_text("1 1:2 2:1\n" * 40, encoding="utf-8")
    corpus = prepare({"path": "train.feat", "format": "counts"}, tmp_path / "cache", tmp_path)
    with pytest.raises(UserError, match="word counts say nothing of how a text is split"):
        corpus.encode("tea")


def test_a_number_of_pieces_belongs_to_its_tokenizer(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"corpus\.subwords: counts the pieces of `tokenizer: subwords`"):
        parse({"name": "cafes", "subwords": 50}, tmp_path)
    assert parse({"name": "cafes", "tokenizer": "subwords"}, tmp_path).cleaning.subwords == 2**15
