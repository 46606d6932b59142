"""Sparsity across seeds: figures by hand, variance components on data with a known truth."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.support.tables import DEAD, OK, frame, replicate
from uncollapse.analysis.comparison.configurations import configurations
from uncollapse.analysis.report.figures.sparsity import hoyer_by_epoch
from uncollapse.analysis.report.figures.style import palette
from uncollapse.analysis.sparsity import stability
from uncollapse.analysis.verdicts import judge


def _hoyer(values: dict[str, list[float]]) -> pd.DataFrame:
    rows = [
        replicate("a", name, seed, hoyer_mean=value, **OK)
        for name, own in values.items()
        for seed, value in enumerate(own)
    ]
    return judge(frame(*rows))


def test_mean_sd_and_range_over_seeds() -> None:
    row = stability.across_seeds(_hoyer({"c": [0.2, 0.3, 0.7]})).iloc[0]
    assert (row["seeds"], row["low"], row["high"]) == (3, 0.2, 0.7)
    assert row["mean"] == pytest.approx(0.4)
    assert row["sd"] == pytest.approx(np.std([0.2, 0.3, 0.7], ddof=1))


def test_variance_components_recover_the_truth() -> None:
    """200 configurations x 6 seeds, sd 0.08 between and 0.02 within; tolerance 3 standard errors of an sd."""
    rng = np.random.default_rng(5)
    values = {f"c{i}": list(rng.normal(rng.normal(0.5, 0.08), 0.02, size=6)) for i in range(200)}
    row = stability.spread(_hoyer(values), ("hoyer_mean",)).iloc[0]
    assert row["seed_sd"] == pytest.approx(0.02, rel=3 / np.sqrt(2 * 1000))
    assert row["configuration_sd"] == pytest.approx(0.08, rel=3 / np.sqrt(2 * 199))
    assert row["share_between"] == pytest.approx(0.08**2 / (0.08**2 + 0.02**2), abs=0.03)


def test_variance_components_equal_the_anova_table() -> None:
    """Unequal groups against F = MS_between / MS_within of SciPy."""
    values = {"c1": [0.1, 0.2, 0.15], "c2": [0.5, 0.45], "c3": [0.3, 0.32, 0.28, 0.35]}
    row = stability.spread(_hoyer(values), ("hoyer_mean",)).iloc[0]
    f = stats.f_oneway(*values.values()).statistic
    size = (9 - (9 + 4 + 16) / 9) / 2
    assert row["configuration_sd"] ** 2 == pytest.approx(row["seed_sd"] ** 2 * (f - 1) / size)


@pytest.mark.parametrize(
    ("values", "note"),
    [({"c": [0.2, 0.3]}, "one configuration"), ({"c": [0.2], "d": [0.3]}, "one seed"), ({"c": [0.2]}, "one seed")],
)
def test_too_little_to_compare_gets_a_note(values: dict[str, list[float]], note: str) -> None:
    row = stability.spread(_hoyer(values), ("hoyer_mean",)).iloc[0]
    assert row["note"].startswith(note)
    assert pd.isna(row["share_between"])


def test_equal_seeds_give_zero_and_not_a_warning() -> None:
    row = stability.spread(_hoyer({"c": [0.2, 0.2], "d": [0.2, 0.2]}), ("hoyer_mean",)).iloc[0]
    assert (row["seed_sd"], row["configuration_sd"]) == (0, 0)
    assert pd.isna(row["share_between"])


def test_by_epoch_gives_median_range_and_how_many_seeds_got_there() -> None:
    judged = _hoyer({"c": [0.2, 0.3, 0.4]})
    points = {"key": [*judged["key"], *judged["key"][:2]], "epoch": [1, 1, 1, 2, 2], "updates": 1}
    curves = pd.DataFrame(points | {"subset/hoyer_mean": [0.1, 0.2, 0.6, 0.3, np.nan]})
    table = stability.by_epoch(judged, curves)
    assert table["median"].tolist() == [0.2, 0.3]
    assert table[["low", "high"]].to_numpy().tolist() == [[0.1, 0.6], [0.3, 0.3]]
    assert table["seeds"].tolist() == [3, 1]
    assert table["planned"].tolist() == [3, 3]
    assert stability.by_epoch(judged, curves, "hoyer_sample").empty


def test_the_band_is_students_interval_of_the_mean() -> None:
    values = [0.1, 0.2, 0.6]
    judged = _hoyer({"c": values, "d": [0.3]})
    curves = pd.DataFrame({"key": judged["key"], "epoch": 1, "updates": 1, "subset/hoyer_mean": [*values, 0.3]})
    table = stability.by_epoch(judged, curves).set_index("configuration")
    oracle = stats.t.interval(0.95, 2, loc=np.mean(values), scale=stats.sem(values))
    assert tuple(table.loc["c", ["mean_low", "mean_high"]]) == pytest.approx(oracle)
    assert (table.loc["c", "mean"], table.loc["c", "sd"]) == pytest.approx((0.3, np.std(values, ddof=1)))
    assert table.loc["d", "mean"] == 0.3
    assert table.loc["d", ["sd", "mean_low", "mean_high"]].isna().all()


def test_the_share_lies_within_its_interval() -> None:
    values = {"c1": [0.1, 0.2, 0.15], "c2": [0.5, 0.45, 0.4], "c3": [0.3, 0.32, 0.28]}
    row = stability.spread(_hoyer(values), ("hoyer_mean",)).iloc[0]
    assert 0 < row["share_low"] < row["share_between"] < row["share_high"] < 1


def test_seeds_that_collapsed_are_left_out_where_it_says_so() -> None:
    rows = [replicate("a", "c", s, hoyer_mean=0.2 + 0.01 * s, **OK) for s in range(4)]
    rows += [replicate("a", "d", s, hoyer_mean=0.6 + 0.01 * s, **OK) for s in range(4)]
    rows += [replicate("a", "d", s, hoyer_mean=0.2, **DEAD) for s in range(4, 8)]
    table = stability.spread(judge(frame(*rows)), ("hoyer_mean",)).set_index("of")
    assert table.loc[stability.ALL, "share_high"] > 0.9
    assert table.loc[stability.ALL, "share_low"] < 0.2
    assert table.loc[stability.LIVING, "share_low"] > 0.8


def test_a_single_seed_of_a_configuration_leaves_no_interval() -> None:
    row = stability.spread(_hoyer({"c": [0.3, 0.4], "d": [0.7]}), ("hoyer_mean",)).iloc[0]
    assert pd.isna(row["share_low"])
    assert row["note"] == "a configuration with one seed: no interval"


def test_seeds_that_never_differ_give_no_interval() -> None:
    row = stability.spread(_hoyer({"c": [0.3] * 3, "d": [0.7] * 3}), ("hoyer_mean",)).iloc[0]
    assert row["share_between"] == 1
    assert pd.isna(row["share_low"])
    assert row["note"].startswith("seeds do not differ")


def test_the_picture_names_lines_by_their_hyperparameter_and_cuts_nothing_off() -> None:
    rows = [
        replicate("hsvae", f"c{a}", seed, hoyer_mean=0.3, **OK) | {"param.latent.alpha": a, "param.latent.beta": 1.0}
        for a in (1.0, 4.0)
        for seed in range(3)
    ]
    judged = judge(frame(*rows))
    points = {"key": list(judged["key"]) * 2, "epoch": [1] * 6 + [2] * 6, "updates": 1}
    curves = pd.DataFrame(points | {"subset/hoyer_mean": np.linspace(0.2, 0.6, 12)})
    drawn = hoyer_by_epoch(judged, curves, configurations(judged), palette(["hsvae"]), {})
    panel = drawn.tabs[0].panels[0]
    assert panel.title == "hsvae"
    assert panel.note == "━ Beta(1, 1): 3/3 seeds; ╍ Beta(4, 1): 3/3 seeds"
    low, high = panel.figure.layout.yaxis.range
    assert low < 0.2 < 0.6 < high
    assert not hoyer_by_epoch(judged, curves[:0], configurations(judged), palette(["hsvae"])).tabs
