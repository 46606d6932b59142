"""Figures in words: shares, signs, nouns and lists."""

import pytest

from uncollapse.analysis.report.wording import listed, number, percent, percent_range, share_text, signed


@pytest.mark.parametrize(
    ("k", "n", "words"),
    [
        (7, 10, "7 of 10 (70 %, Wilson 95 % 40–89 %)"),
        (0, 10, "0 of 10; still compatible with 26 %"),
        (10, 10, "10 of 10; still compatible with 74 %"),
        (0, 0, "none could be judged"),
    ],
)
def test_shares_in_words(k: int, n: int, words: str) -> None:
    assert share_text(k, n) == words


def test_small_shares_are_never_rounded_to_none() -> None:
    assert (percent(0.001), percent(0), percent(0.999), percent(1)) == ("<1 %", "0 %", ">99 %", "100 %")
    assert percent_range(0.201, 0.204) == "20 %"
    assert percent_range(0.64, 0.999) == "64 to >99 %"
    assert percent_range(0.002, 0.4) == "<1–40 %"


def test_figures_have_a_real_minus_and_absent_ones_are_a_dash() -> None:
    assert (number(-0.126, 2), number(None, 2), number(float("nan"), 2)) == ("−0.13", "–", "–")
    assert (signed(0.5, 1), signed(-0.5, 1)) == ("+0.5", "−0.5")


def test_lists_end_in_and_and_say_how_many_more_there_are() -> None:
    assert [listed("abc"[:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]
    assert listed("abcd", 2) == "a, b and 2 more"
