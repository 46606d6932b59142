"""When collapse happens: Kaplan-Meier by hand, against SciPy and a known truth; fates of trials; what stopping hides."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.support.tables import DEAD, OK, frame, replicate, search
from uncollapse.analysis.collapse import survival
from uncollapse.analysis.report.figures import duration
from uncollapse.analysis.report.figures.style import palette
from uncollapse.analysis.statistics.intervals import proportion, wilson
from uncollapse.analysis.verdict_rule import Thresholds
from uncollapse.analysis.verdicts import judge

LOOKS = palette(["a"])


def _curve(key: str, mi: list[float], gain: list[float] | None = None) -> pd.DataFrame:
    epochs = np.arange(1, len(mi) + 1)
    return pd.DataFrame({"key": key, "epoch": epochs, "updates": 100 * epochs}).assign(
        **{"subset/mi": mi, "subset/latent_gain": gain or [2.0] * len(mi)}
    )


def _study(*trials: tuple[dict[str, Any], list[float]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows = [row | {"epochs": len(mi)} for row, mi in trials]
    return judge(frame(*rows)), pd.concat([_curve(row["key"], mi) for row, mi in trials], ignore_index=True)


def test_the_estimate_is_the_hand_computed_one() -> None:
    """Six trials: collapses at 1, 3, 3; censored at 2, 4, 5."""
    found = survival.kaplan_meier([1, 3, 3, 2, 4, 5], [True, True, True, False, False, False])
    assert found.epoch.tolist() == [0, 1, 2, 3, 4, 5]
    assert found.at_risk.tolist() == [6, 6, 5, 4, 2, 1]
    assert found.collapsed.tolist() == [0, 1, 0, 2, 0, 0]
    assert found.censored.tolist() == [0, 0, 1, 0, 1, 1]
    assert found.survival == pytest.approx([1, 5 / 6, 5 / 6, 5 / 12, 5 / 12, 5 / 12])
    se = np.sqrt(1 / (6 * 5) + 2 / (4 * 2)) / abs(np.log(5 / 12))
    z = stats.norm.ppf(0.975)
    assert found.low[3] == pytest.approx((5 / 12) ** np.exp(z * se))
    assert found.high[3] == pytest.approx((5 / 12) ** np.exp(-z * se))


def test_the_estimate_and_its_band_are_scipys() -> None:
    rng = np.random.default_rng(2)
    times, died = rng.integers(1, 12, 60).astype(float), rng.random(60) < 0.6
    found = survival.kaplan_meier(times, died)
    theirs = stats.ecdf(stats.CensoredData(uncensored=times[died], right=times[~died])).sf
    band = theirs.confidence_interval(0.95, method="log-log")
    inner = np.flatnonzero((found.survival > 0) & (found.survival < 1))
    assert len(inner) > 8
    at = found.epoch[inner]
    assert found.survival[inner] == pytest.approx(theirs.evaluate(at))
    assert found.low[inner] == pytest.approx(band.low.evaluate(at))
    assert found.high[inner] == pytest.approx(band.high.evaluate(at))


def test_the_band_covers_an_exponential_truth_under_random_censoring() -> None:
    """60 trials, mean life 10, censored at uniform times up to 20, rounded down to 0.1; 2,000 repetitions, 4 times."""
    rng, times = np.random.default_rng(7), np.array([2.0, 5.0, 8.0, 11.0])
    truth, covered, estimates = np.exp(-times / 10), np.zeros(4), np.zeros(4)
    for _ in range(2000):
        life, lost = rng.exponential(10, 60), rng.uniform(0, 20, 60)
        found = survival.kaplan_meier(np.minimum(life, lost), life <= lost)
        at = np.searchsorted(found.epoch, times, side="right") - 1
        covered += (found.low[at] <= truth) & (truth <= found.high[at])
        estimates += found.survival[at]
    assert np.abs(covered / 2000 - 0.95).max() <= 0.02
    assert estimates / 2000 == pytest.approx(truth, abs=4 * 0.09 / np.sqrt(2000))


def test_the_ends_of_the_band_where_none_or_all_have_collapsed() -> None:
    alive = survival.kaplan_meier([3.0] * 8, [False] * 8)
    assert alive.survival.tolist() == [1, 1]
    assert alive.low.tolist() == [proportion(8, 8).low] * 2
    gone = survival.kaplan_meier([1, 2, 3], [True, True, True])
    assert gone.survival[-1] == 0
    assert gone.low[-1] == 0
    assert gone.high[-1] == gone.high[-2] < 1
    assert survival.kaplan_meier([], []).survival.tolist() == [1]


def test_a_negative_duration_is_refused() -> None:
    with pytest.raises(ValueError, match="got -1"):
        survival.kaplan_meier([2.0, -1.0], [True, True])


FATES = {
    "stays alive": ([0.0, 1, 2, 2, 2], "censored", 2, 5),
    "dies and stays dead": ([1.0, 2, 0, 0, 0], "collapsed", 1, 3),
    "comes back": ([0.0, 0, 1, 0, 1], "censored", 3, 5),
    "dips, then dies": ([1.0, 0, 1, 1, 0], "collapsed", 1, 5),
    "never alive": ([0.0, 0, 0, 0, 0], "never alive", np.nan, 5),
    "alive at one record": ([1.0], "censored", 1, 1),
    "missing records": ([np.nan, 1, np.nan, 0, np.nan], "collapsed", 2, 4),
    "no record": ([np.nan] * 3, "not recorded", np.nan, np.nan),
}


def test_the_fate_of_every_trial_follows_from_its_curve() -> None:
    judged, curves = _study(*((replicate("a", "c", i), mi) for i, (mi, *_) in enumerate(FATES.values())))
    found = survival.lives(judged, curves)
    assert found["fate"].tolist() == [fate for _, fate, _, _ in FATES.values()]
    expected = [[first, last] for _, _, first, last in FATES.values()]
    np.testing.assert_array_equal(found[["first_alive", "last"]].to_numpy(dtype=float), np.array(expected, dtype=float))
    assert found["duration"].dropna().tolist() == [3, 2, 2, 4, 0, 2]


def test_a_decoder_that_stops_listening_collapses_though_the_code_informs() -> None:
    judged = judge(frame(replicate("a", "c", 0)))
    curves = _curve(judged["key"].iloc[0], [3.0] * 4, [2.0, 2.0, 0.0, 0.05])
    row = survival.lives(judged, curves).iloc[0]
    assert (row["fate"], row["last"]) == ("collapsed", 3)
    lax = survival.lives(judged, curves, Thresholds(latent_gain=0.01)).iloc[0]
    assert lax["fate"] == "censored"


def test_populations_stand_apart_and_fates_are_counted() -> None:
    judged, curves = _study(
        (replicate("a", "c", 0), [1, 1, 0]),
        (replicate("a", "c", 1), [0, 0, 0]),
        (search("a", "s1", 1) | {"audit": True}, [1, 0, 0]),
        (search("a", "s2", 2, "stopped"), [1, 1]),
        (search("a", "s3", 3), [1, 1, 0]),
        (search("a", "s4", 4, "diverged"), [1, 1, 1]),
    )
    steps = survival.time_to_collapse(judged, curves)
    table = survival.fates(survival.lives(judged, curves), steps).set_index("population")
    assert table["trials"].to_dict() == dict(zip(survival.POPULATIONS, (2, 1, 3), strict=True))
    assert table.loc["replicate runs", ["collapsed", "censored", "never alive", "median"]].tolist() == [1, 0, 1, 2]
    assert table.loc["audit (never stopped)", "median"] == 1
    other = steps[steps["population"] == "search trials, some stopped"].set_index("epoch")
    assert other["at_risk"].to_dict() == {0: 3, 1: 3, 2: 2}
    assert other["survival"].to_dict() == {0: 1, 1: 1, 2: 0.5}
    picture = duration.survival(steps, table.reset_index(), LOOKS)
    (panel,) = picture.tabs[0].panels
    assert "replicate runs: 1 of 2 collapsed, 1 never alive" in panel.note
    assert [trace.name for trace in panel.figure.data if trace.name] == list(survival.POPULATIONS)


def _audit(number: int, mi: list[float], dead: bool) -> tuple[dict[str, Any], list[float]]:
    return search("a", f"a{number}", number, **(DEAD if dead else OK)) | {"audit": True}, mi


def test_what_stopping_would_have_hidden_is_counted_at_every_epoch_of_a_stop() -> None:
    judged, curves = _study(
        (search("a", "s1", 1, "stopped", **DEAD), [0, 0]),
        (search("a", "s2", 2, "stopped", **OK), [1, 1]),
        (search("a", "s3", 3, "stopped", **DEAD), [0, 0, 0]),
        _audit(10, [0, 0, 1, 1], dead=False),
        _audit(11, [0, 0, 0, 1], dead=False),
        _audit(12, [0, 0, 0, 0], dead=True),
        _audit(13, [0, 1, 1, 0], dead=True),
        (search("a", "x", 14, "failed") | {"audit": True}, [0, 0]),
    )
    table = survival.hidden_by_stopping(judged, curves).set_index("epoch")
    counts = ["stopped", "audit", "looked_collapsed", "recovered", "looked_alive", "collapsed_later"]
    assert table.loc[2, counts].tolist() == [2, 4, 3, 2, 1, 1]
    assert table.loc[3, counts].tolist() == [1, 4, 2, 1, 2, 1]
    assert (table.loc[2, "recovered_low"], table.loc[2, "recovered_high"]) == wilson(2, 3)
    assert table.loc[3, "later_share"] == 0.5


def test_without_an_audit_trial_the_row_says_so() -> None:
    judged, curves = _study((search("a", "s", 1, "stopped", **DEAD), [0, 0]))
    row = survival.hidden_by_stopping(judged, curves).iloc[0]
    assert (row["stopped"], row["audit"]) == (1, 0)
    assert np.isnan(row["recovered_share"])
    assert row["note"] == "no audit trial has a record there and a final verdict"


@pytest.mark.parametrize("curves", [pd.DataFrame(), _curve("elsewhere", [1.0, 0.0]), pd.DataFrame({"key": ["k"]})])
def test_nothing_recorded_gives_empty_tables_and_a_sentence(curves: pd.DataFrame) -> None:
    judged = judge(frame(replicate("a", "c", 0), search("a", "s", 1)))
    found, steps = survival.lives(judged, curves), survival.time_to_collapse(judged, curves)
    assert list(found.columns) == survival.LIFE_COLUMNS
    assert list(steps.columns) == survival.COLUMNS
    assert (len(found), len(steps), len(survival.hidden_by_stopping(judged, curves))) == (0, 0, 0)
    assert duration.survival(steps, survival.fates(found, steps), LOOKS).tabs == ()
