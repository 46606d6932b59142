"""The validation split in two."""

from pathlib import Path

import numpy as np
import pytest

from tests.support import models
from tests.support.corpora import write
from uncollapse.study.corpora.corpus import Corpus, Split
from uncollapse.study.corpora.prepare import prepare
from uncollapse.study.errors import UserError
from uncollapse.study.training.validation import cut, refuse_few


def rows(split: Split) -> list[tuple[int, ...]]:
    return [tuple(map(int, split[number])) for number in range(len(split))]


@pytest.mark.parametrize(("whole", "asked", "choosing"), [(50, 20, 20), (30, 20, 15), (5, 20, 2), (4, 2, 2)])
def test_no_sentence_both_chooses_and_reports(whole: int, asked: int, choosing: int) -> None:
    split = models.split(whole, seed=3)
    found = cut(split, asked, seed=0)
    assert (len(found.choosing), len(found.reporting)) == (choosing, whole - choosing)
    assert sorted(rows(found.choosing) + rows(found.reporting)) == sorted(rows(split))


def test_the_seed_decides_the_cut() -> None:
    split = models.split(40, seed=3)
    first, again, other = (rows(cut(split, 10, seed).choosing) for seed in (0, 0, 1))
    assert first == again != other


def test_labels_go_with_their_sentences() -> None:
    split = models.split(12, seed=3)
    labelled = Split(split.tokens, split.offsets, np.arange(12, dtype=np.int16))
    part = cut(labelled, 4, seed=0).reporting
    assert part.labels is not None
    assert [rows(labelled)[label] for label in part.labels] == rows(part)


def test_too_few_sentences_for_both_parts_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "text.txt", "\n".join(f"the cat number {word} sat" for word in "abcdefghijkl") + "\n")

    def made(valid: int) -> Corpus:
        page = {"path": "text.txt", "format": "lines", "splits": {"valid": valid, "test": 2}}
        return prepare(page, tmp_path / "corpora", tmp_path)

    with pytest.raises(UserError, match=r"at least 4 validation sentences, .* and this has 3"):
        refuse_few(made(3))
    refuse_few(made(4))
