"""Paired differences of families and configurations, and the paired test of collapse."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.support.tables import DEAD, OK, frame, replicate, seeds
from uncollapse.analysis.comparison import paired
from uncollapse.analysis.statistics.differences import holm
from uncollapse.analysis.statistics.medians import median_interval
from uncollapse.analysis.verdicts import judge

A = [30.0, 31.0, 29.5, 30.5, 31.5, 30.2]
B = [30.4, 31.1, 30.5, 30.6, 31.4, 30.9]


def _runs(family: str, configuration: str, values: list[float], first: int = 0, **more: Any) -> list[dict[str, Any]]:
    return [replicate(family, configuration, first + s, nll_iw=v, **{**OK, **more}) for s, v in enumerate(values)]


def _row(table: pd.DataFrame, **where: str) -> pd.Series:
    found = table[np.logical_and.reduce([table[key] == value for key, value in where.items()])]
    assert len(found) == 1
    return found.iloc[0]


def test_a_difference_is_the_median_over_the_same_seeds() -> None:
    judged = judge(frame(*_runs("a", "x", A), *_runs("b", "y", B)))
    row = _row(paired.differences(judged), scope="families", measure="nll")
    apart = np.subtract(A, B)
    low, high, _ = median_interval(apart)
    assert row["median"] == pytest.approx(np.median(apart))
    assert (row["low"], row["high"], row["level"]) == pytest.approx((low[0], high[0], 0.95))
    assert (row["least"], row["most"]) == pytest.approx((apart.min(), apart.max()))
    assert (row["seeds"], row["planned"], row["estimator"], row["note"]) == (6, 6, "nll_iw", "")


def test_pairing_removes_what_the_seeds_share() -> None:
    """Seeds that move both by sd 10 leave a constant difference exact."""
    rng = np.random.default_rng(0)
    shared = rng.normal(30, 10, size=8)
    judged = judge(frame(*_runs("a", "x", list(shared)), *_runs("b", "y", list(shared + 0.3))))
    row = _row(paired.differences(judged), scope="families", measure="nll")
    assert (row["low"], row["high"]) == pytest.approx((-0.3, -0.3))


def test_families_meet_in_their_best_and_a_familys_configurations_among_themselves() -> None:
    worse = [v + 1 for v in A]
    judged = judge(frame(*_runs("a", "x", A), *_runs("a", "w", worse), *_runs("b", "y", B)))
    table = paired.differences(judged, measures=("nll",))
    met = {(r.scope, r.configuration_a, r.configuration_b) for r in table.itertuples()}
    assert met == {("families", "x", "y"), ("configurations", "x", "w")}


def test_missing_seeds_are_named_and_only_shared_ones_count() -> None:
    rows = [*_runs("a", "x", A), *_runs("b", "y", B[:5]), replicate("b", "y", 5, "failed")]
    row = _row(paired.differences(judge(frame(*rows))), scope="families", measure="nll")
    assert (row["seeds"], row["planned"], row["note"]) == (5, 6, "without seed 5")


def test_different_likelihoods_are_never_subtracted() -> None:
    rows = [*_runs("a", "x", A), *[replicate("lm", "l", s, nll_exact=v, nll_iw=np.nan) for s, v in enumerate(B)]]
    row = _row(paired.differences(judge(frame(*rows))), scope="families", measure="nll")
    assert (row["seeds"], row["note"]) == (0, "nll_iw and nll_exact are not the same figure")
    assert np.isnan(row["median"])


def test_few_seeds_have_a_median_but_no_interval() -> None:
    judged = judge(frame(*_runs("a", "x", A[:3]), *_runs("b", "y", B[:3])))
    row = _row(paired.differences(judged), scope="families", measure="nll")
    assert row["median"] == pytest.approx(-0.4)
    assert np.isnan([row["low"], row["high"]]).all()
    assert "too few shared seeds" in row["note"]


def test_seeds_of_two_studies_halves_that_never_meet_say_so() -> None:
    judged = judge(frame(*_runs("a", "x", A), *_runs("b", "y", B, first=50)))
    row = _row(paired.differences(judged), scope="families", measure="nll")
    assert row["note"].startswith("no shared seed has both figures")


def test_a_long_list_of_configurations_is_cut_and_says_so() -> None:
    rows = [row for c in range(5) for row in _runs("a", f"c{c}", [v + c for v in A])]
    table = paired.differences(judge(frame(*rows)), measures=("nll",), top=3)
    assert len(table) == 3
    assert set(table["note"]) == {"only the first 3 of 5 configurations are compared"}


def test_the_collapse_test_is_mcnemars_on_discordant_seeds() -> None:
    rows = [*seeds("a", "x", 6, 4), *seeds("b", "y", 1, 9)]
    row = paired.collapse_test(judge(frame(*rows))).iloc[0]
    assert (row["both"], row["only_a"], row["only_b"], row["neither"]) == (1, 5, 0, 4)
    assert row["p"] == pytest.approx(stats.binomtest(5, 5).pvalue)
    assert row["difference"] == pytest.approx(0.5)
    assert row["low"] < 0.5 < row["high"]


def test_p_values_are_adjusted_within_their_scope() -> None:
    rows = [*seeds("a", "x", 9, 1), *seeds("a", "w", 0, 10), *seeds("b", "y", 2, 8), *seeds("c", "z", 0, 10)]
    table = paired.collapse_test(judge(frame(*rows)))
    for _, group in table.groupby("scope"):
        assert group["p_holm"].to_numpy() == pytest.approx(holm(group["p"]))
    assert (table["p_holm"] >= table["p"]).all()


@pytest.mark.parametrize(("dead", "alive"), [(6, 0), (0, 6)])
def test_all_or_none_collapsed_tells_nothing_apart(dead: int, alive: int) -> None:
    row = paired.collapse_test(judge(frame(*seeds("a", "x", dead, alive), *seeds("b", "y", dead, alive)))).iloc[0]
    assert (row["p"], row["p_holm"], row["difference"]) == (1, 1, 0)
    assert row["low"] == pytest.approx(-row["high"])
    assert row["high"] > 0.2


def test_one_seed_gives_a_wide_interval_and_no_finding() -> None:
    rows = [replicate("a", "x", 0, **DEAD), replicate("b", "y", 0)]
    row = paired.collapse_test(judge(frame(*rows))).iloc[0]
    assert (row["seeds"], row["difference"], row["p"]) == (1, 1, 1)
    assert row["low"] < 0


def test_a_model_without_a_code_has_no_collapse_to_test() -> None:
    rows = [*seeds("a", "x", 2, 4), *[replicate("lm", "l", s, nll_exact=30.0, nll_iw=np.nan) for s in range(6)]]
    row = paired.collapse_test(judge(frame(*rows))).iloc[0]
    assert (row["seeds"], row["note"][:40]) == (0, "no shared seed has a verdict of both")
    assert np.isnan([row["p"], row["p_holm"], row["low"]]).all()


@pytest.mark.parametrize("rows", [[], seeds("a", "x", 1, 4)])
def test_without_a_pair_the_tables_are_empty_with_their_columns(rows: list[dict[str, Any]]) -> None:
    judged = judge(frame(*rows))
    assert paired.differences(judged).empty
    assert {"median", "low", "note"} <= set(paired.differences(judged).columns)
    assert paired.collapse_test(judged).empty
    assert {"p", "p_holm", "note"} <= set(paired.collapse_test(judged).columns)


def test_ties_give_a_difference_of_nothing() -> None:
    judged = judge(frame(*_runs("a", "x", [30.0] * 6), *_runs("b", "y", [30.0] * 6)))
    row = _row(paired.differences(judged), scope="families", measure="nll")
    assert (row["median"], row["low"], row["high"]) == (0, 0, 0)
