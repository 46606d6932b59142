"""Texts become words as asked for: each step alone, and all of them together."""

import pytest

from uncollapse.study.corpora.cleaning import clean, words_of
from uncollapse.study.corpora.settings import Cleaning


@pytest.mark.parametrize(
    ("text", "switch", "expected"),
    [
        ("see https://a.example/x?y=1 or www.b.example now", "links", "see   or   now"),
        ("the http protocol and wwww", "links", "the http protocol and wwww"),
        (
            "\u201cone\u201d ``two'' \"three\" \u2018four\u2019 don't don\u2019t",
            "quotes",
            "one two three four don't don\u2019t",
        ),
        ("caf\u00e9 \u00a320 na\u00efve \u4e2d", "ascii", "caf 20 nave "),
    ],
)
def test_each_switch_removes_its_own_and_is_off_by_default(text, switch, expected):
    assert clean(text, Cleaning()) == text
    assert clean(text, Cleaning(**{switch: True})) == expected


def _words(text, **how):
    return words_of([text], Cleaning(**how), lambda _: None)[0]


def test_spaces_keep_the_words_of_the_source():
    assert _words("  mr. <unk> is N\tyears\nold ") == ["mr.", "<unk>", "is", "N", "years", "old"]


def test_spacy_splits_punctuation_and_keeps_the_unknown_word():
    assert _words("Don't go,\n_UNK!  It's caf\u00e9.", tokenizer="spacy", unknown="_UNK") == (
        ["Do", "n't", "go", ",", "_UNK", "!", "It", "'s", "caf\u00e9", "."]
    )


def test_lowercase_spares_the_unknown_word():
    assert _words("The N _UNK", lowercase=True, unknown="_UNK") == ["the", "n", "_UNK"]


def test_all_steps_as_the_hsvae_paper_takes_them():
    how = Cleaning(links=True, quotes=True, ascii=True, tokenizer="spacy", lowercase=True)
    text = "\u201cThe Caf\u00e9\u201d is GOOD, see http://x.example/y"
    assert words_of([text], how, lambda _: None) == [["the", "caf", "is", "good", ",", "see"]]


def test_a_text_that_comes_back_is_tokenised_once_and_progress_is_told():
    said = []
    words = words_of(["a b", "c"] * 20_000, Cleaning(), said.append)
    assert words[0] is words[2]
    assert words[1] == ["c"]
    assert said == ["tokenised 20,000 of 40,000 sentences", "tokenised 40,000 of 40,000 sentences"]
