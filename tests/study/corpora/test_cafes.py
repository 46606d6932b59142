"""The built-in corpus is reproducible, readable, and its factors are what they claim and nothing else."""

import hashlib
import itertools
import re

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from tests.support.corpora import bags, naive_bayes
from uncollapse.study.corpora import cafe_words
from uncollapse.study.corpora.cafes import FORMS, LABELS, LEVELS, generate

N = 6000


@pytest.fixture(scope="module")
def strong():
    return generate(N, "strong", 0)


@pytest.fixture(scope="module")
def weak():
    return generate(N, "weak", 0)


def _words(text: str) -> set[str]:
    """Every word that a table's entry can turn into."""
    plain = {word for word in re.split(r"[\s|]+", text) if word and "{" not in word}
    verbs = {form for base in re.findall(r"{(\w+)}", text) for form in FORMS.get(base, ())}
    return plain | verbs


def _topic_words() -> frozenset[str]:
    parts = [entry for topic in cafe_words.TOPICS.values() for entry in topic.values()]
    acts = {form for topic in cafe_words.TOPICS.values() for act in topic["act"].split() for form in FORMS[act]}
    return frozenset(set().union(*map(_words, parts)) | acts)


def test_same_seed_same_text_and_the_text_is_the_one_of_this_version():
    """A change of the text must come with a new PREPARATION_VERSION, and then with a new digest here."""
    text = "\n".join(generate(500, "strong", 0).texts)
    assert text == "\n".join(generate(500, "strong", 0).texts)
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "0e02576d7b0eb05e"


def test_another_seed_is_another_text():
    assert generate(50, "strong", 0).texts != generate(50, "strong", 1).texts


def test_a_larger_corpus_begins_with_a_smaller_one(strong):
    small = generate(200, "strong", 0)
    assert strong.texts[:200] == small.texts
    assert strong.labels[:200] == small.labels


def test_the_signal_changes_the_label_alone(strong, weak):
    assert strong.texts == weak.texts
    assert strong.factors == weak.factors
    for records, signal in ((strong, "strong"), (weak, "weak")):
        assert records.labels == records.factors[LABELS[signal]]
        assert set(records.labels) == set(LEVELS[LABELS[signal]])


def test_sentences_read_like_english(strong):
    lengths = [len(text.split()) for text in strong.texts]
    assert min(lengths) >= 5
    assert max(lengths) <= 30
    vocabulary = {word for text in strong.texts for word in text.split()}
    assert 400 <= len(vocabulary) <= 800
    assert all(re.fullmatch(r"[a-z-]+|[,.]", word) for word in vocabulary)
    joined = "\n".join(strong.texts)
    assert not re.search(r"\ban [^aeiou]|\ba [aeiou]", joined)
    assert not re.search(r"\b(\w+) \1\b", joined)
    assert len(set(strong.texts)) > 0.99 * N


def test_every_word_of_the_tables_can_occur(strong):
    tables = [cafe_words.ADVERBS, cafe_words.LINKS, cafe_words.VENUES, cafe_words.PLACES, cafe_words.TIMES]
    tables += [cafe_words.REASONS, *cafe_words.RETURNS.values(), *cafe_words.VERDICTS.values()]
    tables += [entry for level in cafe_words.PRICES.values() for entry in level.values()]
    expected = set().union(*map(_words, tables)) | _topic_words()
    assert expected - {word for text in strong.texts for word in text.split()} == set()


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(LEVELS, 2)))
def test_factors_are_independent(strong, one, other):
    """Chi-square of every pair of factors at 15 pairs: a p-value under 1e-4 happens by chance once in 700 seeds."""
    rows, columns = (np.unique(strong.factors[name], return_inverse=True)[1] for name in (one, other))
    table = np.zeros((rows.max() + 1, columns.max() + 1))
    np.add.at(table, (rows, columns), 1)
    result = chi2_contingency(table)
    assert result.pvalue > 1e-4
    assert np.sqrt(result.statistic / N / (min(table.shape) - 1)) < 0.05


def test_factors_are_uniform_and_order_follows_the_writer(strong):
    for name, levels in LEVELS.items():
        shares = np.array([strong.factors[name].count(level) for level in levels]) / N
        error = np.sqrt(1 / len(levels) * (1 - 1 / len(levels)) / N)
        np.testing.assert_allclose(shares, 1 / len(levels), atol=4 * error)
    writer, order = np.array(strong.factors["writer"]), np.array(strong.factors["order"])
    for name, (_, _, fronted) in cafe_words.WRITERS.items():
        told = order[(writer == name) & (order != "none")]
        assert abs((told == "fronted").mean() - fronted) < 4 * np.sqrt(fronted * (1 - fronted) / len(told))


def test_a_bag_of_words_tells_strong_classes_apart_nearly_perfectly(strong):
    assert naive_bayes(bags(strong.texts), strong.labels) > 0.98


def test_a_bag_of_words_tells_weak_classes_apart_a_little(weak):
    assert 0.26 < naive_bayes(bags(weak.texts), weak.labels) < 0.45


def test_nothing_but_the_intended_words_betrays_a_class(strong, weak):
    """Without the words of the topic, or of the writer, a classifier is at chance within 4 standard errors."""
    chance, error = 0.2, np.sqrt(0.2 * 0.8 / (N / 5))
    assert abs(naive_bayes(bags(strong.texts, _topic_words()), strong.labels) - chance) < 4 * error
    cues = frozenset(f"{cafe_words.ADVERBS} {cafe_words.LINKS.replace('|', ' ')} , {cafe_words.TIMES}".split())
    assert abs(naive_bayes(bags(weak.texts, cues), weak.labels) - chance) < 4 * error


def test_the_end_of_a_sentence_depends_on_its_start(strong):
    """The mood of the closing promise is the mood of the adjective before it; the venue comes back by name."""
    closing = re.compile(r" (?:will|would) (.+) \.$")
    found = 0
    for text, mood in zip(strong.texts, strong.factors["mood"], strict=True):
        if match := closing.search(text):
            found += 1
            venue = next(word for word in match[1].split() if word in cafe_words.VENUES.split())
            assert match[1] in cafe_words.RETURNS[mood].format(venue=venue).split("|")
            assert venue in text[: match.start()].split() or "another" in match[1]
    assert found > N / 12


def test_tense_holds_through_the_sentence(strong):
    for text, tense in zip(strong.texts, strong.factors["tense"], strict=True):
        words = set(text.split())
        assert not words & ({"is", "will"} if tense == "past" else {"was", "would"})
