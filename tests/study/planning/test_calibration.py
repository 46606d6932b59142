"""What a calibration expects: a training takes as long as its batches have steps."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.corpora import write
from uncollapse.study.config import study_page
from uncollapse.study.corpora.corpus import Split
from uncollapse.study.corpora.prepare import prepare
from uncollapse.study.planning.calibration import calibrate, steps
from uncollapse.study.training.batches import training_batches

SMALL = {"inputs": {"size": 8}, "encoder": {"hidden": 8}, "decoder": {"hidden": 8}}


@pytest.mark.parametrize(("sentences", "size"), [(1, 4), (7, 4), (200, 4), (203, 16)])
def test_steps_are_those_of_the_batches(sentences: int, size: int) -> None:
    lengths = np.random.default_rng(0).integers(1, 90, sentences)
    split = Split(np.zeros(lengths.sum(), np.int32), np.concatenate([[0], np.cumsum(lengths)]))
    batches = training_batches(split, size, np.random.default_rng(0))
    assert steps(lengths, size) == sum(batch.tokens.shape[1] for batch in batches)


def test_steps_of_many_buckets_are_about_those_of_the_batches() -> None:
    lengths = np.random.default_rng(1).integers(1, 90, 3000)
    split = Split(np.zeros(lengths.sum(), np.int32), np.concatenate([[0], np.cumsum(lengths)]))
    batches = training_batches(split, 8, np.random.default_rng(2))
    assert steps(lengths, 8) == pytest.approx(sum(batch.tokens.shape[1] for batch in batches), rel=0.02)


def test_one_line_of_a_whole_book_is_expected_to_take_its_time(tmp_path: Path) -> None:
    lines = [f"the cup number {number % 7} is warm and small" for number in range(300)]
    write(tmp_path / "train.txt", "\n".join(lines))
    book = " ".join(["the cup is warm"] * 375)
    write(tmp_path / "book.txt", "\n".join([*lines, book]))
    write(tmp_path / "valid.txt", "\n".join(lines[:40]))
    page = {"study": "mine", "families": ["seqvae"], "override": SMALL, "train": {"epochs": 2, "batch_size": 30}}
    found = {}
    for train in ("train.txt", "book.txt"):
        section = {"path": ".", "train": train, "valid": "valid.txt", "test": "valid.txt"}
        study = study_page.parse({**page, "corpus": section}, tmp_path, "my.yaml")
        corpus = prepare(section, tmp_path / "cache", tmp_path)
        (estimate,) = calibrate(replace(study, evaluate=replace(study.evaluate, subset_samples=1)), corpus)
        found[train] = estimate.search_seconds
    assert found["book.txt"] > 5 * found["train.txt"], "1,500 steps beside 100 of all other batches"
