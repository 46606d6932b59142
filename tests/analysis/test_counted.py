"""Counts with their nouns, in the number that they take."""

import pytest

from uncollapse.analysis.counted import counted


@pytest.mark.parametrize(
    ("number", "noun", "said"),
    [
        (0, "seed", "0 seeds"),
        (1, "configuration", "1 configuration"),
        (2, "family", "2 families"),
        (3, "class", "3 classes"),
        (4, "day", "4 days"),
        (2, "epoch", "2 epochs"),
        (2, "search", "2 searches"),
        (1200, "search trial", "1,200 search trials"),
        (1, "search trial", "1 search trial"),
    ],
)
def test_a_count_with_its_noun(number: int, noun: str, said: str) -> None:
    assert counted(number, noun) == said
