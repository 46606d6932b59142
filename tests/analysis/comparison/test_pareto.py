"""Pareto fronts against the definition, and how sure a place on one is."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.support.tables import OK, frame, replicate
from uncollapse.analysis.comparison import configurations, paired, pareto, ranking
from uncollapse.analysis.report.figures import comparison
from uncollapse.analysis.report.figures.pareto import pareto as pareto_figure
from uncollapse.analysis.report.figures.style import Picture, palette
from uncollapse.analysis.verdicts import judge


def _by_definition(x: np.ndarray, y: np.ndarray) -> list[bool]:
    known = np.isfinite(x) & np.isfinite(y)
    return [
        bool(known[i])
        and not any(known[j] and x[j] <= x[i] and y[j] <= y[i] and (x[j] < x[i] or y[j] < y[i]) for j in range(len(x)))
        for i in range(len(x))
    ]


@pytest.mark.parametrize("seed", range(20))
def test_the_front_is_the_definitions_with_ties_and_nan(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, 6, size=(2, 25)).astype(float)
    x[rng.random(25) < 0.1] = np.nan
    assert pareto.on_front(x, y).tolist() == _by_definition(x, y)


def test_many_fronts_at_once_are_each_their_own() -> None:
    x, y = np.random.default_rng(1).integers(0, 5, size=(2, 8, 12)).astype(float)
    rows = pareto.on_front(x, y)
    assert rows.tolist() == [_by_definition(a, b) for a, b in zip(x, y, strict=True)]


def test_nothing_is_on_an_empty_front() -> None:
    assert not pareto.on_front([], []).any()
    assert not pareto.on_front([np.nan, np.nan], [1.0, 2.0]).any()


def _runs(family: str, configuration: str, count: int = 6, **centre: float) -> list[dict[str, Any]]:
    rng = np.random.default_rng(ord(configuration[-1]))
    return [
        replicate(
            family, configuration, s, **{"latent_gain": 2.0, **{k: v + 0.01 * rng.normal() for k, v in centre.items()}}
        )
        for s in range(count)
    ]


@pytest.fixture(scope="module")
def judged() -> pd.DataFrame:
    rows = _runs("a", "c1", nll_iw=30, mi=1, hoyer_mean=0.2, class_accuracy=0.6)
    rows += _runs("a", "c2", nll_iw=31, mi=2, hoyer_mean=0.3, class_accuracy=0.7)
    rows += _runs("b", "c3", nll_iw=32, mi=1.5, hoyer_mean=0.5, class_accuracy=0.4)
    rows += _runs("thin", "c4", 1, nll_iw=20, mi=9, hoyer_mean=0.9) + [
        replicate("thin", "c4", s, "failed") for s in range(1, 6)
    ]
    return judge(frame(*rows))


def test_fronts_of_medians_with_clear_gaps_are_certain(judged: pd.DataFrame) -> None:
    table = pareto.fronts(judged).set_index(["front", "configuration"])
    assert table.loc["NLL and mi", "on_front"].to_dict() == {"c1": True, "c2": True, "c3": False, "c4": False}
    assert table.loc["NLL and mi", "share_on_front"].dropna().to_dict() == {"c1": 1, "c2": 1, "c3": 0}
    assert table.loc["NLL and Hoyer", "on_front"].to_dict() == {"c1": True, "c2": True, "c3": True, "c4": False}
    assert table.loc["class accuracy and Hoyer", "on_front"].to_dict() == {"c1": False, "c2": True, "c3": True}
    assert "fewer than half" in table.loc[("NLL and mi", "c4"), "note"]
    row = table.loc[("NLL and mi", "c1")]
    assert row["x_low"] <= row["x"] <= row["x_high"]
    assert row["y_low"] <= row["y"] <= row["y_high"]


def test_a_coin_toss_is_on_the_front_about_half_the_time() -> None:
    rng = np.random.default_rng(3)
    rows = [
        replicate("a", f"c{c}", s, latent_gain=2.0, mi=2.0, nll_iw=30 + rng.normal())
        for c in range(2)
        for s in range(9)
    ]
    table = pareto.fronts(judge(frame(*rows)))
    assert table["share_on_front"].between(0.02, 0.98).all()
    assert table["share_on_front"].sum() == pytest.approx(1, abs=0.02)


def test_one_seed_is_on_the_front_without_a_share() -> None:
    table = pareto.fronts(judge(frame(replicate("a", "c", 0, **OK))))
    assert table["on_front"].tolist() == [True]
    assert table[["share_on_front", "x_low", "y_high"]].isna().all(axis=None)


def test_an_empty_study_has_no_front() -> None:
    table = pareto.fronts(judge(frame()))
    assert table.empty
    assert "share_on_front" in table.columns


def _pictures(judged: pd.DataFrame) -> list[Picture]:
    looks = palette([str(name) for name in judged["family"].unique()])
    table = configurations.configurations(judged)
    return [
        comparison.paired(paired.differences(judged, table), looks),
        comparison.probability(ranking.probability_of_best(judged, table), looks),
        pareto_figure(pareto.fronts(judged, table), {}, looks),
    ]


def test_pictures_draw_what_the_tables_say(judged: pd.DataFrame) -> None:
    forest, bars, fronts = _pictures(judged)
    assert [tab.label for tab in fronts.tabs] == ["NLL and mi", "NLL and Hoyer", "class accuracy and Hoyer"]
    stairs, first, *_ = fronts.tabs[0].panels[0].figure.data
    assert len(stairs.x) == 2
    assert first.marker.symbol == ("circle", "circle")
    assert [panel.title for panel in bars.tabs[1].panels] == ["a"]
    nll = forest.tabs[0].panels[0].figure
    assert nll.data[-1].x[0] < 0
    assert "a − b" in nll.layout.yaxis.ticktext


@pytest.mark.parametrize("rows", [[], [replicate("a", "c", 0, "failed")], [replicate("a", "c", 0, **OK)]])
def test_pictures_with_nothing_to_show_say_so(rows: list[dict[str, Any]]) -> None:
    forest, bars, _ = _pictures(judge(frame(*rows)))
    assert not forest.tabs
    assert not bars.tabs
    assert forest.caption.endswith("yet.")
