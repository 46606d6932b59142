"""Responses to hyperparameters: kinds, scales, correlations against SciPy, honesty about small n."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.support.tables import frame, search
from uncollapse.analysis.hyperparameters import response
from uncollapse.analysis.verdicts import judge


def _tidy(**columns: Any) -> pd.DataFrame:
    n = len(next(iter(columns.values())))
    rows = [search("a", f"c{i}", i, **{k: v[i] for k, v in columns.items()}) for i in range(n)]
    return response.tidy(judge(frame(*rows)))


def test_kinds_and_scales() -> None:
    lr = list(10 ** np.linspace(-4, -1, 12))
    table = _tidy(
        **{
            "nll_iw": [30.0] * 12,
            "o.lr": lr,
            "o.rate": list(np.linspace(0.01, 1, 12)),
            "o.size": [16, 32, 64] * 4,
            "o.flag": [True, False] * 6,
            "o.kind": ["x", "y"] * 6,
            "o.mixed": [1, "auto"] * 6,
            "o.same": [3] * 12,
            "o.branch": [0.5, 0.7, *[np.nan] * 10],
        }
    )
    kinds = table.drop_duplicates("hyperparameter").set_index("hyperparameter")[["kind", "log"]]
    assert kinds["kind"].to_dict() == {
        "o.lr": "numeric",
        "o.rate": "numeric",
        "o.size": "numeric",
        "o.flag": "categorical",
        "o.kind": "categorical",
        "o.mixed": "categorical",
        "o.branch": "numeric",
    }
    assert kinds.index[kinds["log"].astype(bool)].tolist() == ["o.lr"]
    assert (table["hyperparameter"] == "o.branch").sum() == 2


def test_correlation_is_spearmans_with_its_interval_around_it() -> None:
    rng = np.random.default_rng(1)
    x = rng.random(30)
    y = x + rng.normal(0, 0.3, 30)
    table = _tidy(**{"o.x": list(x), "nll_iw": list(y), "mi": [1.0] * 30, "latent_gain": [1.0] * 30})
    rows = response.correlations(table).set_index("measure")
    assert rows.loc["nll", "spearman"] == pytest.approx(stats.spearmanr(x, y)[0])
    assert rows.loc["nll", "low"] < rows.loc["nll", "spearman"] < rows.loc["nll", "high"]
    assert rows.loc["nll", "note"] == ""
    assert rows.loc["mi", "note"] == "no variation, so no correlation"


@pytest.mark.parametrize(("n", "known", "note"), [(4, False, "too few"), (7, True, "only 7 trials")])
def test_small_n_is_said(n: int, known: bool, note: str) -> None:
    row = response.correlations(_tidy(**{"o.x": list(range(n)), "nll_iw": [5.0, 3, 4, 1, 2, 7, 6][:n]})).iloc[0]
    assert np.isfinite(row["spearman"]) == known
    assert note in row["note"]


def test_stopped_trials_enter_and_are_counted() -> None:
    rows = [search("a", f"c{i}", i, "stopped" if i < 2 else "finished", **{"o.x": i, "nll_iw": i}) for i in range(6)]
    row = response.correlations(response.tidy(judge(frame(*rows)))).iloc[0]
    assert (row["trials"], row["stopped"]) == (6, 2)


def test_medians_per_level() -> None:
    table = _tidy(**{"o.kind": ["x"] * 5 + ["y"] * 2, "nll_iw": [1.0, 2, 3, 4, 9, 7, 8]})
    rows = response.levels(table)
    rows = rows[rows["measure"] == "nll"].set_index("level")
    assert rows["median"].to_dict() == {"x": 3.0, "y": 7.5}
    assert rows["trials"].to_dict() == {"x": 5, "y": 2}
    assert "2 of the 5 trials" in rows.loc["y", "note"]


def test_bins_hold_at_least_four_trials_or_one_level() -> None:
    values = pd.Series(np.linspace(0, 1, 23))
    sizes = response.bins(values, "numeric").value_counts()
    assert len(sizes) == 5
    assert sizes.min() >= 4
    assert response.bins(pd.Series([16, 32] * 4), "numeric").nunique() == 2
    assert response.bins(pd.Series([0.1, 0.2, 0.3]), "numeric").nunique() == 1
