"""Verdicts from raw values, thresholds and states."""

import math
import subprocess
import sys
from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest

from tests.support.tables import DEAD, OK, frame, replicate, search
from uncollapse.analysis.verdict_rule import Thresholds, all_collapsed, collapsed
from uncollapse.analysis.verdicts import baselines, judge


@pytest.mark.parametrize(
    ("mi", "gain", "verdict"),
    [
        (3.0, 2.0, "ok"),
        (0.0999, 2.0, "collapsed"),
        (3.0, 0.0999, "collapsed"),
        (0.1, 0.1, "partial"),
        (0.6, 2.0, "partial"),
        (math.log(2), math.log(2), "ok"),
        (3.0, -0.5, "collapsed"),
        (np.nan, np.nan, "unjudged"),
        (3.0, np.nan, "unjudged"),
        (np.inf, 2.0, "unjudged"),
    ],
)
def test_the_rule(mi: float, gain: float, verdict: str) -> None:
    table = judge(frame(replicate("a", "c", 0, mi=mi, latent_gain=gain)))
    assert table["verdict"].tolist() == [verdict]


def test_a_missing_measure_is_not_judged_by_the_other() -> None:
    """Judging such trials only when they collapsed would bias every share upwards."""
    table = judge(frame(replicate("a", "c", 0, mi=0.0, latent_gain=np.nan)))
    assert table["verdict"].tolist() == ["unjudged"]
    assert table["collapsed"].isna().all()


@pytest.mark.parametrize("state", ["failed", "diverged", "running", "missing"])
def test_a_trial_that_did_not_end_keeps_its_state_even_with_figures(state: str) -> None:
    row = replicate("a", "c", 0, **DEAD) | {"state": state}
    assert judge(frame(row))["verdict"].tolist() == [state]


def test_each_stage_is_judged_on_its_own_split() -> None:
    row = replicate("a", "c", 0, **OK) | {"subset/mi": 0.0, "subset/latent_gain": 0.0}
    table = judge(frame(row, search("a", "c", 1, "stopped", mi=0.0, latent_gain=0.0)))
    assert table["verdict"].tolist() == ["ok", "collapsed"]


def test_a_language_model_is_never_collapsed() -> None:
    row = replicate("lm", "c", 0, nll_exact=30.0) | {"valid/nll_iw": np.nan}
    table = judge(frame(row, replicate("a", "c", 0)))
    assert table["verdict"].tolist() == ["no latent", "ok"]
    assert table["collapsed"].isna().tolist() == [True, False]
    assert table["nll_estimator"].tolist() == ["nll_exact", "nll_iw"]
    assert baselines(table) == ["lm"]


def test_relabelling_needs_other_thresholds_only() -> None:
    trials = frame(replicate("a", "c", 0, mi=1.0, latent_gain=1.0))
    assert judge(trials, Thresholds(mi=1.5))["verdict"].tolist() == ["collapsed"]
    assert judge(trials)["verdict"].tolist() == ["ok"]


def test_strength_is_the_factor_at_which_the_verdict_turns() -> None:
    table = judge(frame(replicate("a", "c", 0, mi=0.4, latent_gain=2.0)), Thresholds(mi=0.1, latent_gain=1.0))
    assert table["strength"].tolist() == [pytest.approx(2.0)]


def test_thresholds_come_from_the_study_and_must_be_positive() -> None:
    assert Thresholds.of({"thresholds": {"mi": 0.2, "version": 3, "unknown": 1}}) == Thresholds(mi=0.2, version=3)
    assert Thresholds.of({}) == Thresholds()
    with pytest.raises(ValueError, match="mi = 0, partial = -1"):
        Thresholds(mi=0, partial=-1)


def test_an_unknown_state_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="found exploded"):
        judge(frame(replicate("a", "c", 0) | {"state": "exploded"}))


@pytest.mark.parametrize(
    "measures",
    [
        {"mi": 3.0, "latent_gain": 2.0},
        {"mi": 0.0999, "latent_gain": 2.0},
        {"mi": 3.0, "latent_gain": -0.5},
        {"mi": 0.1, "latent_gain": 0.1},
        {"mi": 0.0},
        {"latent_gain": 0.0},
        {"mi": 0.0, "latent_gain": math.inf},
        {"mi": math.nan, "latent_gain": 0.0},
        {"nll_exact": 30.0},
        {"nll_exact": 30.0, "mi": 0.0},
        {"nll_label": 0.3, "mi": 0.0, "latent_gain": 0.0},
        {"nll_iw": 30.0},
        {},
    ],
)
@pytest.mark.parametrize("thresholds", [Thresholds(), Thresholds(mi=5.0)])
def test_one_trial_is_judged_as_the_table_judges_it(measures: Mapping[str, float], thresholds: Thresholds) -> None:
    facts = {name: value for name, value in search("a", "c", 1).items() if "/" not in name}
    under_split = {f"subset/{name}": value for name, value in measures.items()}
    by_table = judge(frame(facts | under_split), thresholds)["collapsed"].astype(object)
    expected = [None if value is pd.NA else bool(value) for value in by_table]
    assert [collapsed(measures, thresholds)] == [collapsed(under_split, thresholds)] == expected


def test_the_full_validation_split_counts_before_the_subset() -> None:
    subset = {"subset/mi": 0.0, "subset/latent_gain": 0.0}
    assert collapsed(subset | {"valid/mi": 3.0, "valid/latent_gain": 2.0}) is False
    assert collapsed(subset | {"valid/mi": 3.0}) is None


def test_the_rule_of_one_trial_needs_no_pandas() -> None:
    code = "import sys, uncollapse.analysis.verdict_rule; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_many_are_judged_each_on_its_own() -> None:
    found: list[Mapping[str, float]] = [
        {"mi": 3.0, "latent_gain": 2.0},
        {},
        {"valid/mi": 0.0, "valid/latent_gain": 2.0, "subset/mi": 3.0, "subset/latent_gain": 3.0},
        {"subset/nll_exact": 30.0},
        {"subset/mi": 3.0, "subset/latent_gain": 3.0},
    ]
    assert all_collapsed(found) == [False, None, True, None, False]
    assert all_collapsed([]) == []
