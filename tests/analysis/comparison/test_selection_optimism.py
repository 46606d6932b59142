"""What the search promised: regression to the mean is found on synthetic truth."""

from typing import Any

import numpy as np
import pytest

from tests.support.tables import OK, frame, replicate, search
from uncollapse.analysis.comparison import selection_optimism
from uncollapse.analysis.statistics.intervals import mean_interval
from uncollapse.analysis.verdicts import judge

TAU, SIGMA, TRIALS, CHOSEN, SEEDS = 1.0, 0.7, 20, 3, 10


def _family(name: str, rng: np.random.Generator, trials: int = TRIALS) -> list[dict[str, Any]]:
    """A search with known truth whose lowest figures are replicated."""
    truth = TAU * rng.normal(size=trials)
    promised = truth + SIGMA * rng.normal(size=trials)
    rows = [search(name, f"c{i}", i, nll_iw=v) for i, v in enumerate(promised)]
    for i in np.argsort(promised)[:CHOSEN]:
        kept = truth[i] + SIGMA * rng.normal(size=SEEDS)
        rows += [replicate(name, f"c{i}", s, **OK) | {"subset/nll_iw": v} for s, v in enumerate(kept)]
    return rows


def _lowest_of_normals(count: int) -> float:
    """Mean of the lowest `CHOSEN` of so many standard normals, by simulation."""
    return float(np.sort(np.random.default_rng(0).normal(size=(200_000, count)), axis=1)[:, :CHOSEN].mean())


def test_optimism_and_slope_are_recovered_on_synthetic_truth() -> None:
    """E[truth | promise] = r promise with r = tau^2 / (tau^2 + sigma^2): optimism (1 - r) of the promise, slope r."""
    rng = np.random.default_rng(1)
    judged = judge(frame(*(row for f in range(80) for row in _family(f"f{f}", rng))))
    row = selection_optimism.regression(judged, {}).set_index("family").loc[selection_optimism.ALL]
    reliable = TAU**2 / (TAU**2 + SIGMA**2)
    truth = -(1 - reliable) * np.hypot(TAU, SIGMA) * _lowest_of_normals(TRIALS)
    error = (row["high"] - row["low"]) / (2 * 1.99)
    assert row["optimism"] == pytest.approx(truth, abs=4 * error)
    assert row["slope"] == pytest.approx(reliable, abs=2 * (row["slope_high"] - row["slope_low"]) / 2)
    assert row["slope_low"] > 0
    assert row["configurations"] == 80 * CHOSEN


def test_the_interval_over_families_covers() -> None:
    """2,000 studies of 8 families, optimism known: nominal within 2 points and 3 standard errors."""
    rng = np.random.default_rng(2)
    truth = rng.normal(size=(2000, 8, TRIALS))
    promised = truth + SIGMA * rng.normal(size=truth.shape)
    chosen = np.argsort(promised, axis=2)[:, :, :CHOSEN]
    x, theta = (np.take_along_axis(v, chosen, axis=2) for v in (promised, truth))
    falls = (theta + SIGMA * rng.normal(size=(*theta.shape, SEEDS)).mean(axis=3) - x).mean(axis=2)
    reliable = 1 / (1 + SIGMA**2)
    known = -(1 - reliable) * np.hypot(1, SIGMA) * _lowest_of_normals(TRIALS)
    ends = np.array([mean_interval(row, 0.95) for row in falls])
    covered = ((ends[:, 0] <= known) & (known <= ends[:, 1])).mean()
    assert covered == pytest.approx(0.95, abs=0.02 + 3 * np.sqrt(0.95 * 0.05 / 2000))


def test_a_family_is_compared_configuration_by_configuration() -> None:
    rows = [search("a", "w", 0, nll_iw=30.0), search("a", "x", 1, nll_iw=31.0), search("a", "y", 2, nll_iw=35.0)]
    for name, values in {"w": [32.0, 33.0, 34.0], "x": [31.0, 31.5, 32.0]}.items():
        rows += [replicate("a", name, s, **OK) | {"subset/nll_iw": v} for s, v in enumerate(values)]
    judged = judge(frame(*rows))
    pairs = selection_optimism.promised_and_kept(judged, {}).set_index("configuration")
    assert pairs["search"].to_dict() == {"w": 30.0, "x": 31.0}
    assert pairs["replicate"].to_dict() == {"w": 33.0, "x": 31.5}
    row = selection_optimism.regression(judged, {}).set_index("family").loc["a"]
    assert row["optimism"] == pytest.approx((3 + 0.5) / 2)
    assert np.isnan(row["slope"])


def test_perfect_promises_have_slope_one_and_no_optimism() -> None:
    rows = []
    for i, v in enumerate([30.0, 31.0, 33.0]):
        rows.append(search("a", f"c{i}", i, nll_iw=v))
        rows += [replicate("a", f"c{i}", s, **OK) | {"subset/nll_iw": v} for s in range(3)]
    row = selection_optimism.regression(judge(frame(*rows)), {}).set_index("family").loc["a"]
    assert (row["optimism"], row["slope"]) == pytest.approx((0, 1))


def test_ties_one_configuration_and_nothing_get_nan_or_a_note() -> None:
    rows = [search("a", "w", 0, nll_iw=30.0), replicate("a", "w", 0, **OK) | {"subset/nll_iw": 31.0}]
    table = selection_optimism.regression(judge(frame(*rows, search("b", "v", 0, nll_iw=1.0))), {}).set_index("family")
    assert table.loc["a", "note"] == "one configuration: no interval"
    assert table.loc["a", "optimism"] == 1
    assert table.loc["b", "note"] == "no replicated configuration has a figure of both stages"
    tied = [search("a", f"c{i}", i, nll_iw=30.0) for i in range(3)]
    tied += [replicate("a", f"c{i}", 0, **OK) | {"subset/nll_iw": 31.0 + i} for i in range(3)]
    assert np.isnan(selection_optimism.regression(judge(frame(*tied)), {}).set_index("family").loc["a", "slope"])
    assert selection_optimism.regression(judge(frame()), {}).empty
