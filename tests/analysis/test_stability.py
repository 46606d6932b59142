"""Sparsity across seeds: figures by hand, variance components on data with a known truth."""

import numpy as np
import pandas as pd
import pytest

from analysis import stability
from analysis.verdicts import judge
from tests.analysis.tables import OK, frame, replicate


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
    from scipy import stats

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
