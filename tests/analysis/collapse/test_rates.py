"""Collapse frequency: counts by hand, intervals by formula, coverage by simulation."""

import numpy as np
import pandas as pd
import pytest

from tests.support.tables import DEAD, frame, replicate, search, seeds
from uncollapse.analysis.collapse import rates
from uncollapse.analysis.losses import lost
from uncollapse.analysis.statistics.intervals import jeffreys, wilson
from uncollapse.analysis.verdicts import judge


def test_a_configuration_counts_every_planned_seed() -> None:
    rows = [
        *seeds("a", "c", collapsed=3, alive=4),
        replicate("a", "c", 90, "failed"),
        replicate("a", "c", 91, "missing"),
    ]
    row = rates.by_configuration(judge(frame(*rows))).iloc[0]
    assert (row["planned"], row["judged"], row["collapsed"], row["ok"]) == (9, 7, 3, 4)
    assert (row["failed"], row["missing"], row["diverged"]) == (1, 1, 0)
    assert (row["wilson_low"], row["wilson_high"]) == wilson(3, 7)
    assert (row["jeffreys_low"], row["jeffreys_high"]) == jeffreys(3, 7)
    assert (row["share_least"], row["share_most"]) == (3 / 9, 5 / 9)


def test_search_trials_never_enter_how_often() -> None:
    rows = [*seeds("a", "c", 0, 3), *(search("a", "c", i, **DEAD) for i in range(20))]
    assert rates.by_configuration(judge(frame(*rows)))["collapsed"].tolist() == [0]


def test_a_family_weighs_configurations_equally_and_counts_seeds() -> None:
    rows = [*seeds("a", "c1", collapsed=5, alive=0), *seeds("a", "c2", collapsed=0, alive=10)]
    row = rates.by_family(judge(frame(*rows))).iloc[0]
    assert row["share"] == 0.5
    assert row["seeds"] == 5
    assert (row["low"], row["high"]) == wilson(2.5, 5)
    assert (row["configuration_low"], row["configuration_high"]) == (0, 1)
    assert row["configuration_sd"] == pytest.approx(np.std([0, 1], ddof=1))


def test_spread_beyond_seeds_vanishes_when_configurations_are_alike() -> None:
    rng = np.random.default_rng(2)
    rows = [r for c in range(40) for r in seeds("a", f"c{c}", *_split(int(rng.binomial(20, 0.4)), 20))]
    row = rates.by_family(judge(frame(*rows))).iloc[0]
    assert row["configuration_sd"] == pytest.approx(np.sqrt(0.4 * 0.6 / 20), rel=0.35)
    assert row["excess_sd"] < 0.06


def _split(dead: int, n: int) -> tuple[int, int]:
    return dead, n - dead


@pytest.mark.parametrize("shared", [0.0, 1.0])
def test_the_family_interval_covers_whatever_the_seeds_share(shared: float) -> None:
    """3 configurations x 10 seeds, p = 0.2, 0.3, 0.4; independent or driven by one draw a seed; 1,500 repetitions.

    Coverage may exceed 95 % (the interval is conservative when runs are independent) and must not fall short of it by
    more than 2 points.
    """
    rng = np.random.default_rng(11)
    p, repetitions = np.array([0.2, 0.3, 0.4]), 1500
    own, common = rng.random((repetitions, 10, 3)), rng.random((repetitions, 10, 1))
    share = ((common if shared else own) < p).mean(axis=(1, 2))
    low, high = wilson(share * 10, np.full(repetitions, 10))
    assert np.mean((low <= p.mean()) & (p.mean() <= high)) >= 0.93


def test_the_threshold_curve_is_the_share_below() -> None:
    values = [0.02, 0.05, 0.2, 3.0]
    rows = [replicate("a", "c", i, mi=v, latent_gain=9.0) for i, v in enumerate(values)]
    curve = rates.threshold_curve(judge(frame(*rows)), factors=[0.1, 0.3, 1.0, 10.0, 100.0])
    assert curve["share"].tolist() == [0, 0.25, 0.5, 0.75, 1.0]
    assert curve["share"].iloc[2] == rates.by_family(judge(frame(*rows)))["share"].iloc[0]


def test_populations_of_a_search() -> None:
    rows = [search("a", "c", 0, "stopped", **DEAD), search("a", "c", 1, mi=2.0, latent_gain=2.0)]
    rows += [search("a", "c", 2, **DEAD) | {"audit": True}, search("a", "c", 3, "failed")]
    table = rates.by_population(judge(frame(*rows))).set_index("population")
    assert table.loc["all search trials", ["collapsed", "judged"]].tolist() == [2, 3]
    assert table.loc["stopped early", ["collapsed", "judged"]].tolist() == [1, 1]
    assert table.loc["audit (never stopped)", ["collapsed", "judged"]].tolist() == [1, 1]


def test_shares_by_level_of_a_hyperparameter() -> None:
    rows = [search("a", "c", i, **(DEAD if i < 3 else {"mi": 2.0, "latent_gain": 2.0})) for i in range(8)]
    table = rates.by_level(judge(frame(*rows)), pd.Series(list("xxxxyyyy")))
    assert dict(zip(table["bin"], table["share"], strict=True)) == {"x": 0.75, "y": 0.0}


def test_every_lost_trial_is_listed_with_its_cause() -> None:
    rows = [
        replicate("a", "c", i, state) | {"cause": state} for i, state in enumerate(["failed", "diverged", "missing"])
    ]
    rows += [replicate("a", "c", 8, mi=np.nan, latent_gain=1.0), replicate("a", "c", 9), search("a", "c", 1, "failed")]
    table = lost(judge(frame(*rows)))
    assert sorted(table["verdict"]) == ["diverged", "failed", "failed", "missing", "unjudged"]
    assert {"failed", "diverged", "missing"} <= set(table["cause"])
