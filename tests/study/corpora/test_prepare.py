"""A prepared corpus holds exactly the sentences, words and labels of its source, and tells what it left out."""

import json
import string

import numpy as np
import pytest

from tests.support.corpora import write
from uncollapse.study.corpora.cafes import generate
from uncollapse.study.corpora.prepare import prepare
from uncollapse.study.corpora.settings import SPECIALS
from uncollapse.study.errors import UserError


def _sentences(corpus, split):
    part = corpus.split(split)
    return [corpus.sentence(part[i]) for i in range(len(part))]


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "train.txt", "b a a\nc a b\na <unk> N\n\na b c d e\n")
    write(tmp_path / "valid.txt", "a z\nb\n")
    write(tmp_path / "test.txt", "c c c\nd\n")
    return tmp_path


def test_lines_keep_order_words_and_unknowns(folder, tmp_path):
    corpus = prepare({"path": "."}, tmp_path / "cache", folder)
    assert corpus.vocabulary == (*SPECIALS, "a", "b", "c", "N", "d", "e")
    assert _sentences(corpus, "train") == ["b a a", "c a b", "a <unk> N", "a b c d e"]
    assert _sentences(corpus, "valid") == ["a <unk>", "b"]
    train = corpus.split("train")
    assert (train.tokens.dtype, train.offsets.dtype, train.labels) == (np.int32, np.int64, None)
    assert train.offsets.tolist() == [0, 3, 6, 9, 14]
    assert train.lengths.tolist() == [3, 3, 3, 5]
    assert len(train) == 4
    assert corpus.ordered
    assert corpus.classes == ()
    assert corpus.factors("train") is None
    assert not train.tokens.flags.writeable


def test_facts_tell_what_was_read_and_left_out(folder, tmp_path):
    facts = prepare({"path": ".", "max_words": 4}, tmp_path / "cache", folder).facts
    train, valid = facts["splits"]["train"], facts["splits"]["valid"]
    assert train["made"] == "train.txt"
    assert (train["sentences"], train["words"]) == (3, 9)
    assert train["dropped"] == {"empty": 1, "too short": 0, "too long": 1, "not sampled": 0}
    assert (train["unknown"], train["unknown_in_source"], train["unknown_share"]) == (1, 1, 1 / 9)
    assert (valid["unknown"], valid["unknown_in_source"], valid["unknown_share"]) == (1, 0, 1 / 3)
    assert (train["mean_words"], train["min_words"], train["max_words"]) == (3, 3, 3)
    assert json.loads(json.dumps(facts)) == facts


def test_the_vocabulary_is_the_most_frequent_training_words(folder, tmp_path):
    corpus = prepare({"path": ".", "vocabulary": 2}, tmp_path / "cache", folder)
    assert corpus.vocabulary == (*SPECIALS, "a", "b")
    assert _sentences(corpus, "test") == ["<unk> <unk> <unk>", "<unk>"]
    assert corpus.facts["splits"]["train"]["unknown"] == 6


def test_another_unknown_word_of_the_source_becomes_unk(folder, tmp_path):
    corpus = prepare({"path": ".", "unknown": "N"}, tmp_path / "cache", folder)
    assert _sentences(corpus, "train")[2] == "a <unk> <unk>"
    assert corpus.facts["splits"]["train"]["unknown_in_source"] == 2


def test_reserved_words_are_refused(folder, tmp_path):
    write(folder / "valid.txt", "a <eos>\nb\n")
    with pytest.raises(UserError, match="valid has <eos>"):
        prepare({"path": "."}, tmp_path / "cache", folder)


def test_sentences_end_at_eos_and_hide_padding(folder, tmp_path):
    corpus = prepare({"path": "."}, tmp_path / "cache", folder)
    assert corpus.sentence([2, 4, 5, 1, 3, 4, 0]) == "a b <unk>"


def test_a_split_that_is_left_empty_is_refused(folder, tmp_path):
    with pytest.raises(UserError) as raised:
        prepare({"path": ".", "min_words": 4}, tmp_path / "cache", folder)
    assert [error.split()[1] for error in raised.value.errors] == ["train", "valid", "test"]


@pytest.fixture
def alphabet(tmp_path):
    write(tmp_path / "x.txt", "".join(f"{letter} .\n" for letter in string.ascii_letters))
    write(tmp_path / "y.txt", "".join(f"{i // 26 + 9}\n" for i in range(52)))
    return {"path": "x.txt", "labels": "y.txt"}


def test_cut_splits_part_the_text_and_labels_stay_with_their_texts(alphabet, tmp_path):
    corpus = prepare({**alphabet, "splits": {"valid": 0.25, "test": 6}}, tmp_path / "cache", tmp_path)
    parts = {split: _truth(corpus, split) for split in ("train", "valid", "test")}
    assert {split: len(part) for split, part in parts.items()} == {"train": 33, "valid": 13, "test": 6}
    assert corpus.classes == ("9", "10")
    for split in parts:
        assert corpus.split(split).labels.dtype == np.int16
    assert "13 of 52 drawn from x.txt with seed 0" in corpus.facts["splits"]["valid"]["made"]


def _truth(corpus, split):
    """The labels of a split, after a look that each is the one its letter was written with."""
    part = corpus.split(split)
    if split == "train":
        for ids, label in zip((part[i] for i in range(len(part))), part.labels, strict=True):
            assert (corpus.vocabulary[ids[0]] in string.ascii_uppercase) == (label == 1)
    return part.labels


def test_the_cut_depends_on_its_seed(alphabet, tmp_path):
    made = [
        _sentences(prepare({**alphabet, "splits": {"seed": seed}}, tmp_path / "cache", tmp_path), "train")
        for seed in (0, 0, 1)
    ]
    assert made[0] == made[1] != made[2]


def test_files_joined_and_cut_again_say_so(alphabet, tmp_path):
    settings = {"path": ".", "train": ["x.txt", "x.txt"], "labels": {"train": ["y.txt", "y.txt"]}}
    corpus = prepare(settings, tmp_path / "cache", tmp_path)
    assert sum(len(corpus.split(split)) for split in ("train", "valid", "test")) == 104
    assert corpus.facts["splits"]["test"]["made"] == "10 of 104 drawn from x.txt and x.txt joined with seed 0"
    assert corpus.facts["splits"]["test"]["also_in_train"] > 0


def test_per_class_and_limit_sample_with_a_seed(alphabet, tmp_path):
    splits = {"valid": 2, "test": 2}
    base = {**alphabet, "splits": splits}
    corpus = prepare({**base, "per_class": {"train": 5}}, tmp_path / "cache", tmp_path)
    assert np.bincount(corpus.split("train").labels).tolist() == [5, 5]
    assert corpus.facts["splits"]["train"]["dropped"]["not sampled"] == 38
    some, others = (
        _sentences(prepare({**base, "limit": {"train": 9}, "seed": seed}, tmp_path / "cache", tmp_path), "train")
        for seed in (0, 1)
    )
    assert len(some) == len(others) == 9
    assert some != others
    with pytest.raises(UserError, match=r"class .* of train has"):
        prepare({**base, "per_class": {"train": 40}}, tmp_path / "cache", tmp_path)


def test_columns_are_tokenised_and_lower_cased_by_default(tmp_path):
    rows = "".join(f'{i % 2},"The {word}, it is\nGOOD."\n' for i, word in enumerate(["Inn", "Bar", "Pub"] * 10))
    write(tmp_path / "a.csv", "mr,ref\n" + rows)
    corpus = prepare({"path": "a.csv", "text": "ref", "label": "mr"}, tmp_path / "cache", tmp_path)
    assert set(_sentences(corpus, "train")) == {f"the {word} , it is good ." for word in ("inn", "bar", "pub")}
    assert corpus.classes == ("0", "1")
    assert corpus.name == "a"


def test_counts_are_repeated_ids_in_order(tmp_path):
    write(tmp_path / "v.txt", "who\nout\nlike\nnever\n")
    write(tmp_path / "train.feat", "2 3:2 1:1\n1 2:1\n2\n")
    for split in ("valid", "test"):
        write(tmp_path / f"{split}.feat", "1 4:1 1:2\n2 1:1\n")
    corpus = prepare({"path": ".", "format": "counts", "vocabulary": "v.txt"}, tmp_path / "cache", tmp_path)
    assert not corpus.ordered
    assert corpus.vocabulary == (*SPECIALS, "who", "out", "like", "never")
    assert corpus.split("train").tokens.tolist() == [4, 6, 6, 5]
    assert corpus.split("train").labels.tolist() == [1, 0]
    assert corpus.split("test")[0].tolist() == [4, 4, 7]
    assert corpus.facts["splits"]["train"]["dropped"]["empty"] == 1


def test_counts_without_a_vocabulary_name_their_words_by_id(tmp_path):
    write(tmp_path / "a.txt", "x 10:1 2:1\n" * 30)
    corpus = prepare({"path": "a.txt", "format": "counts"}, tmp_path / "cache", tmp_path)
    assert corpus.vocabulary == (*SPECIALS, "w2", "w10")


def test_cafes_keep_their_factors(tmp_path):
    settings = {"name": "cafes", "sentences": 300, "signal": "weak", "seed": 5}
    corpus = prepare(settings, tmp_path / "cache", tmp_path)
    known = generate(300, "weak", 5)
    truth = {text: i for i, text in enumerate(known.texts)}
    assert corpus.classes == tuple(sorted(set(known.labels)))
    factors, part = corpus.factors("train"), corpus.split("train")
    assert len(part) == 240
    assert set(factors) == set(known.factors)
    for row, text in enumerate(_sentences(corpus, "train")):
        assert corpus.classes[part.labels[row]] == known.labels[truth[text]]
        assert all(factors[name][row] == known.factors[name][truth[text]] for name in factors)


def test_a_split_of_another_name_is_refused(folder, tmp_path):
    corpus = prepare({"path": "."}, tmp_path / "cache", folder)
    with pytest.raises(ValueError, match="train, valid, test"):
        corpus.split("dev")
    with pytest.raises(IndexError):
        corpus.split("test")[2]


def test_progress_is_told(folder, tmp_path):
    said = []
    prepare({"path": "."}, tmp_path / "cache", folder, said.append)
    assert "reading train.txt" in said
    assert "train: splitting 5 sentences into words" in said
