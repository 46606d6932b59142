"""Slices: medians and ranges over seeds at a hyperparameter's value beside single search trials, and their picture."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.analysis.synthetic import records
from tests.support.tables import frame, replicate, search
from uncollapse.analysis.hyperparameters import response
from uncollapse.analysis.hyperparameters.slices import COLUMNS, slices
from uncollapse.analysis.report.figures.response import responses
from uncollapse.analysis.report.figures.style import INK, palette
from uncollapse.analysis.verdict_rule import Thresholds
from uncollapse.analysis.verdicts import judge


def _confirmed(configuration: str, seed: int, nll: float, mi: float = 1.0, **hyperparameters: Any) -> dict[str, Any]:
    """A replicate trial whose figures on the subset differ from those on the full split by 5."""
    row = replicate("a", configuration, seed, nll_iw=nll + 5, mi=mi + 5, latent_gain=1.0)
    return (
        row
        | {"subset/nll_iw": nll, "subset/mi": mi}
        | {f"param.{name}": value for name, value in hyperparameters.items()}
    )


def _searched(n: int = 6) -> list[dict[str, Any]]:
    return [
        search("a", f"c{i}", i, **{"o.x": float(i), "o.k": "uv"[i % 2], "nll_iw": 30.0 + i, "mi": i}) for i in range(n)
    ]


def test_a_replicated_configuration_has_the_median_and_range_of_its_seeds_on_the_subset() -> None:
    rows = [_confirmed("c2", seed, 31.0 + seed, mi=seed / 10, **{"o.x": 2.0, "o.k": "u"}) for seed in (0, 1, 5)]
    table = slices(judge(frame(*_searched(), *rows)))
    own = table[table["stage"] == "replicate"].set_index("hyperparameter")
    assert own.index.tolist() == ["o.x", "o.k"]
    for hyperparameter, value in (("o.x", 2.0), ("o.k", "u")):
        row = own.loc[hyperparameter]
        assert row["value"] == value
        assert (row["nll_low"], row["nll"], row["nll_high"]) == (31.0, 32.0, 36.0)
        assert (row["mi_low"], row["mi"], row["mi_high"]) == (0.0, 0.1, 0.5)
        assert (row["planned"], row["seeds"], row["nll_estimator"], row["note"]) == (3, 3, "nll_iw", "")


def test_search_trials_are_single_dots() -> None:
    table = slices(judge(frame(*_searched())))
    own = table[(table["stage"] == "search") & (table["hyperparameter"] == "o.x")]
    assert own["nll"].tolist() == [30.0 + i for i in range(6)]
    assert own["value"].tolist() == [float(i) for i in range(6)]
    assert own[["nll_low", "nll_high", "mi_low", "mi_high"]].isna().all(axis=None)


def test_a_missing_seed_is_planned_and_not_counted() -> None:
    rows = [_confirmed("c2", 0, 31.0, **{"o.x": 2.0}), _confirmed("c2", 1, 33.0, **{"o.x": 2.0})]
    rows.append(replicate("a", "c2", 2, "missing") | {"param.o.x": 2.0})
    row = slices(judge(frame(*_searched(), *rows))).set_index("stage").loc["replicate"]
    assert (row["planned"], row["seeds"], row["nll"]) == (3, 2, 32.0)


@pytest.mark.parametrize(
    ("rows", "note"),
    [
        ([_confirmed("c2", 0, 31.0, **{"o.x": 2.0})], "one seed: no band"),
        ([replicate("a", "c2", 0) | {"param.o.x": 2.0}], "no seed has a figure on the search's subset"),
    ],
)
def test_why_there_is_no_band(rows: list[dict[str, Any]], note: str) -> None:
    row = slices(judge(frame(*_searched(), *rows))).set_index("stage").loc["replicate"]
    assert row["note"] == note
    assert np.isnan(row["nll_low"])


def test_a_configuration_outside_a_branch_has_no_slice_along_its_hyperparameter() -> None:
    rows = [_confirmed("c2", seed, 31.0, **{"o.x": 2.0}) for seed in (0, 1)]
    table = slices(judge(frame(*_searched(), *rows)))
    assert table.loc[table["stage"] == "replicate", "hyperparameter"].tolist() == ["o.x"]


@pytest.mark.parametrize(
    "trials",
    [pd.DataFrame(), frame(_confirmed("c", 0, 3.0, **{"o.x": 1.0})), frame(search("a", "c", 0, **{"o.x": 1.0}))],
    ids=["nothing", "no search", "one trial"],
)
def test_without_a_varying_hyperparameter_the_table_is_empty_with_its_columns(trials: pd.DataFrame) -> None:
    table = slices(judge(trials))
    assert table.empty
    assert table.columns.tolist() == COLUMNS


def _picture(banded: bool) -> Any:
    found = records(families=("lstm_lm", "seqvae"), trials=20, seeds=4)
    judged = judge(found.trials)
    tidy = response.tidy(judged)
    own = (slices(judged, tidy),) if banded else ()
    looks = palette(["lstm_lm", "seqvae"])
    tables = tidy, response.correlations(tidy), response.levels(tidy)
    return responses(*tables, found.study, Thresholds(), looks, *own), slices(judged, tidy)


def test_the_picture_draws_each_configuration_from_its_lowest_to_its_highest_seed() -> None:
    picture, table = _picture(banded=True)
    tab = next(tab for tab in picture.tabs if tab.label == "seqvae")
    panel = next(panel for panel in tab.panels if panel.title == "optimizer.lr")
    dark = [trace for trace in panel.figure.data if trace.marker.color == INK]
    own = table[
        (table["family"] == "seqvae") & (table["hyperparameter"] == "optimizer.lr") & (table["stage"] == "replicate")
    ]
    for trace, name in zip(dark, ("nll", "mi"), strict=True):
        np.testing.assert_allclose(trace.y, own[name].astype(float))
        np.testing.assert_allclose(trace.y + trace.error_y.array, own[f"{name}_high"].astype(float))
        np.testing.assert_allclose(trace.y - trace.error_y.arrayminus, own[f"{name}_low"].astype(float))
    assert "replicated configuration" in picture.caption


def test_without_slices_the_picture_shows_search_trials_only() -> None:
    picture, _ = _picture(banded=False)
    traces = [trace for tab in picture.tabs for panel in tab.panels for trace in panel.figure.data]
    assert traces
    assert all(trace.marker.color != INK for trace in traces)
    assert "replicated configuration" not in picture.caption
