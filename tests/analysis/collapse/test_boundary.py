"""Where collapse begins: Firth's regression against its formulas, a known truth, coverage, separation, pairs."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import optimize
from scipy.special import expit, logit

from tests.support.tables import DEAD, OK, frame, replicate, search
from uncollapse.analysis.collapse import boundary_2d
from uncollapse.analysis.collapse.boundary import boundary, boundary_points, crossings, pooled_branches
from uncollapse.analysis.report.figures import boundary_maps
from uncollapse.analysis.report.figures.boundary import boundaries
from uncollapse.analysis.report.figures.style import palette
from uncollapse.analysis.statistics.firth_logistic import Array, band, firth
from uncollapse.analysis.verdicts import judge

LOOKS = palette(["a"])


def _judged(dead: Any, states: Any = None, **hyperparameters: Any) -> pd.DataFrame:
    states = ["finished"] * len(dead) if states is None else states
    rows = [
        search("a", f"c{i}", i, states[i], **(DEAD if dead[i] else OK), **{k: v[i] for k, v in hyperparameters.items()})
        for i in range(len(dead))
    ]
    return judge(frame(*rows))


def _drawn(n: int, seed: int = 0) -> pd.DataFrame:
    """Collapse with logit 3 log10(kappa / 20), kappa uniform in its logarithm from 2 to 200."""
    rng = np.random.default_rng(seed)
    kappa = 10 ** rng.uniform(np.log10(2), np.log10(200), n)
    return _judged(rng.random(n) < expit(3 * np.log10(kappa / 20)), **{"latent.kappa": kappa})


@pytest.mark.parametrize(("k", "n"), [(0, 7), (3, 10), (12, 12)])
def test_the_fit_of_a_constant_is_jeffreys_estimate(k: int, n: int) -> None:
    outcome = np.r_[np.ones(k), np.zeros(n - k)]
    fit = firth(np.ones((n, 1)), outcome)
    assert fit.coefficients[0] == pytest.approx(logit((k + 0.5) / (n + 1)))
    assert fit.covariance[0, 0] == pytest.approx(1 / (n * (k + 0.5) / (n + 1) * (n - k + 0.5) / (n + 1)))


def test_a_fit_with_a_coefficient_a_group_adds_half_to_every_cell() -> None:
    group, outcome = np.repeat([0.0, 1.0], [6, 9]), np.r_[np.ones(6), np.ones(2), np.zeros(7)]
    fit = firth(np.column_stack([np.ones(15), group]), outcome)
    assert expit(fit.coefficients[0]) == pytest.approx(6.5 / 7)
    assert expit(fit.coefficients.sum()) == pytest.approx(2.5 / 10)


def test_the_fit_maximises_the_penalised_likelihood() -> None:
    rng = np.random.default_rng(3)
    x = rng.uniform(-1, 1, 25)
    outcome = (rng.random(25) < expit(2 * x)).astype(float)
    design = np.vander(x, 3, increasing=True)

    def loss(b: Array) -> float:
        p = expit(design @ b)
        information = design.T @ np.diag(p * (1 - p)) @ design
        return -float(np.log(np.where(outcome > 0, p, 1 - p)).sum() + 0.5 * np.log(np.linalg.det(information)))

    best = optimize.minimize(loss, np.zeros(3), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12})
    assert firth(design, outcome).coefficients == pytest.approx(best.x, abs=1e-4)


def test_dependent_columns_are_refused() -> None:
    with pytest.raises(ValueError, match="independent columns"):
        firth(np.ones((5, 2)), np.zeros(5))


def test_separated_trials_give_a_finite_curve_that_crosses_in_the_gap() -> None:
    x = np.r_[np.linspace(0.1, 0.4, 15), np.linspace(0.6, 0.9, 15)]
    table = boundary(_judged(x > 0.5, **{"o.x": x}))
    assert np.isfinite(table[["probability", "low", "high"]].to_numpy()).all()
    row = crossings(table).iloc[0]
    assert 0.4 < row["crossing"] < 0.6
    assert row["direction"] == "rises"
    assert 0.1 < row["low"] < row["crossing"] < row["high"] < 0.9


def test_a_known_truth_is_recovered() -> None:
    table = boundary(_drawn(3000))
    assert len(table) == 41
    assert table["log"].all()
    truth = expit(3 * np.log10(table["value"].to_numpy(dtype=float) / 20))
    se = (logit(table["high"]) - logit(table["low"])).to_numpy() / (2 * 1.96)
    assert (np.abs(logit(table["probability"].to_numpy()) - logit(truth)) < 4 * se).all()
    assert se.max() < 0.25
    row = crossings(table).iloc[0]
    error = np.log(row["high"] / row["low"]) / (2 * 1.96)
    assert error < 0.1
    assert abs(np.log(row["crossing"] / 20)) < 4 * error
    assert (row["trials"], row["stopped"], row["note"]) == (3000, 0, "")


TRUTHS = {
    "rising": lambda t: 2 * t,
    "rare on one side": lambda t: -1.5 + 1.5 * t,
    "safe in the middle": lambda t: 3 * t**2 - 1.5,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", TRUTHS)
def test_the_band_covers_at_its_nominal_rate(name: str) -> None:
    """80 trials, 2,000 repetitions, the pointwise 95 % band at 11 places: 93 to 98 % everywhere, 94 to 97.5 on average."""
    rng, at = np.random.default_rng(5), np.linspace(-1, 1, 11)
    truth, wanted, covered = expit(TRUTHS[name](at)), np.vander(at, 3, increasing=True), np.zeros(11)
    for _ in range(2000):
        x = rng.uniform(-1, 1, 80)
        outcome = (rng.random(80) < expit(TRUTHS[name](x))).astype(float)
        _, low, high = band(firth(np.vander(x, 3, increasing=True), outcome), wanted)
        covered += (low <= truth) & (truth <= high)
    shares = covered / 2000
    assert shares.min() >= 0.93
    assert shares.max() <= 0.985
    assert 0.94 <= shares.mean() <= 0.975


def test_stopped_trials_are_counted_and_enter_only_the_second_curve() -> None:
    x = np.tile(np.linspace(0, 1, 20), 2)
    states = ["finished"] * 20 + ["stopped"] * 20
    judged = _judged([False] * 19 + [True] + [True] * 20, states, **{"o.x": x})
    table = boundary(judged)
    assert table[["trials", "collapsed", "stopped"]].iloc[0].tolist() == [20, 1, 20]
    assert (table["with_stopped"] > table["probability"]).mean() > 0.8
    alone = boundary(judged[judged["state"] == "finished"])
    assert table["probability"].tolist() == alone["probability"].tolist()


def test_replicate_runs_and_trials_without_a_verdict_do_not_enter() -> None:
    judged = _drawn(30)
    extra = judge(
        frame(
            *(replicate("a", "c1", s, **DEAD) for s in range(20)), search("a", "x", 99, "failed", **{"latent.kappa": 5})
        )
    )
    both = pd.concat([judged, extra], ignore_index=True)
    pd.testing.assert_frame_equal(boundary(both), boundary(judged))
    assert len(boundary_points(both)) == 30


@pytest.mark.parametrize(
    ("dead", "values", "fitted", "note"),
    [
        ([0, 1] * 4, np.arange(8), False, "8 trials trained to their end: 10 are needed for a curve"),
        ([0] * 12, np.arange(12), True, "no trial collapsed"),
        ([1] * 12, np.arange(12), True, "every trial collapsed"),
        ([0, 1] * 10, np.repeat([1.0, 2.0], 10), True, ""),
    ],
)
def test_small_and_one_sided_studies_say_so(dead: list[int], values: Any, fitted: bool, note: str) -> None:
    table = boundary(_judged(dead, **{"o.x": values}))
    assert table["value"].notna().all() == fitted
    assert table["note"].iloc[0] == note
    row = crossings(table).iloc[0]
    assert np.isnan(row["crossing"]) == (note != "") or row["note"]
    assert boundaries(table, crossings(table), table[:0], LOOKS).caption


def test_the_band_stays_open_where_every_trial_ended_alike() -> None:
    safe, doomed = (boundary(_judged([dead] * 12, **{"o.x": np.arange(12)})) for dead in (False, True))
    assert (safe["low"] == 0).all()
    assert (safe["high"] < 1).all()
    assert (doomed["high"] == 1).all()
    assert doomed["probability"].to_numpy() == pytest.approx(1 - safe["probability"].to_numpy())


def test_one_value_among_the_trained_gives_no_curve() -> None:
    states = ["finished"] * 12 + ["stopped"]
    table = boundary(_judged([0, 1] * 6 + [1], states, **{"o.x": [1.0] * 12 + [2.0]}))
    assert table["note"].tolist() == ["every trial trained to its end has the same value"]


def _lines(sign: float, half: float, middle: float = 0.0) -> pd.DataFrame:
    x = np.linspace(-4, 4, 41)
    eta = sign * (x - middle)
    table = {"probability": expit(eta), "low": expit(eta - half), "high": expit(eta + half)}
    facts = {
        "family": "a",
        "hyperparameter": "k",
        "log": False,
        "note": "",
        "trials": 50,
        "collapsed": 25,
        "audit": 5,
        "stopped": 9,
    }
    return pd.DataFrame(table).assign(value=x, with_stopped=0.5, **facts)


@pytest.mark.parametrize(("sign", "direction"), [(1.0, "rises"), (-1.0, "falls")])
def test_the_crossings_interval_is_where_the_band_holds_a_half(sign: float, direction: str) -> None:
    row = crossings(_lines(sign, half=1.3, middle=0.25)).iloc[0]
    assert row[["crossing", "low", "high"]].tolist() == pytest.approx([0.25, -1.05, 1.55])
    assert (row["direction"], row["note"]) == (direction, "")


def test_crossings_that_are_not_identified_say_why() -> None:
    notes = {
        "the interval's high end is open": _lines(1, half=1.3, middle=3.5),
        "the band holds 1/2 at both edges: no boundary is identified": _lines(1, half=9),
        "the fitted probability stays below 1/2": _lines(1, half=1, middle=9),
        "the fitted probability crosses 1/2 more than once": _lines(1, half=1).assign(
            probability=expit(np.linspace(-4, 4, 41) ** 2 - 4)
        ),
    }
    assert [crossings(table)["note"].iloc[0] for table in notes.values()] == list(notes)


def _branches() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    kinds = ["linear", "cyclical", "constant", "logistic"] * 30
    own: dict[str, Any] = {"objective.kl.z.kind": kinds, "latent.prior_scale": rng.uniform(0.1, 1, 120)}
    for kind in set(kinds):
        there = np.array(kinds) == kind
        own[f"objective.kl.z.{kind}.value"] = np.where(there, rng.uniform(0.1, 1, 120), np.nan)
        if kind in ("linear", "cyclical"):
            own[f"objective.kl.z.{kind}.span"] = np.where(there, rng.uniform(0.05, 0.6, 120), np.nan)
    own["objective.l1.value"] = rng.uniform(0, 1, 120)
    return _judged(rng.random(120) < 0.5, **own)


def test_a_weight_of_several_annealing_kinds_is_one_hyperparameter() -> None:
    judged = _branches()
    pooled = pooled_branches(judged)["param.objective.kl.z.*.value"]
    linear = judged["param.objective.kl.z.linear.value"]
    assert pooled.notna().all()
    assert pooled[linear.notna()].tolist() == linear.dropna().tolist()
    trials = boundary(judged).groupby("hyperparameter")["trials"].first()
    assert trials["objective.kl.z.*.value"] == 120
    assert trials["objective.kl.z.linear.value"] == 30


def test_pairs_join_hyperparameters_of_one_term_and_of_one_trial() -> None:
    judged = _branches()
    points = boundary_2d.pair_points(judged)
    sizes = points.groupby(["x_hyperparameter", "y_hyperparameter"]).size().to_dict()
    assert sizes == {
        ("objective.kl.z.*.value", "objective.kl.z.*.span"): 60,
        ("latent.prior_scale", "objective.kl.z.*.value"): 120,
    }
    first = points.iloc[0]
    own = judged[judged["key"] == first["key"]].iloc[0]
    assert first["x"] == own["param.objective.kl.z.linear.value"]
    assert first["y"] == own["param.objective.kl.z.linear.span"]
    others = boundary_2d.pair_points(judged, [("objective.*.value", "objective.*.span")])
    assert set(others["x_hyperparameter"]) == {"objective.kl.z.*.value"}


def test_a_known_truth_over_two_hyperparameters_is_recovered() -> None:
    rng = np.random.default_rng(4)
    alpha, beta = rng.uniform(1, 5, 2000), rng.uniform(1, 5, 2000)
    judged = _judged(rng.random(2000) < expit(alpha - beta), **{"latent.alpha": alpha, "latent.beta": beta})
    table = boundary_2d.boundary_pairs(judged)
    assert len(table) == 21 * 21
    truth = expit((table["x"] - table["y"]).to_numpy(dtype=float))
    se = (logit(table["high"]) - logit(table["low"])).to_numpy() / (2 * 1.96)
    assert (np.abs(logit(table["probability"].to_numpy()) - logit(truth)) < 4 * se).all()
    picture = boundary_maps.boundary_maps(table, boundary_2d.pair_points(judged), LOOKS)
    panel = picture.tabs[0].panels[0]
    assert panel.title == "latent.alpha × latent.beta"
    assert panel.figure.data[0].z.shape == (21, 21)
    assert "draws at most 400" in picture.caption


@pytest.mark.slow
def test_the_map_covers_at_its_nominal_rate() -> None:
    """100 trials, logit x - y + xy on [-1, 1]^2, 2,000 repetitions: 93 to 98 % at 9 places."""
    rng, side = np.random.default_rng(6), np.array([-0.9, 0.0, 0.9])
    u, v = (mesh.ravel() for mesh in np.meshgrid(side, side))
    truth, covered = expit(u - v + u * v), np.zeros(9)
    for _ in range(2000):
        x, y = rng.uniform(-1, 1, (2, 100))
        outcome = (rng.random(100) < expit(x - y + x * y)).astype(float)
        fit = firth(boundary_2d.design_of(x, y), outcome)
        _, low, high = band(fit, boundary_2d.design_of(u, v))
        covered += (low <= truth) & (truth <= high)
    assert (covered / 2000).min() >= 0.93
    assert (covered / 2000).max() <= 0.98


@pytest.mark.parametrize(
    ("y", "n", "note"),
    [
        (lambda x: 2 * x, 12, "the two hyperparameters move together: their effects cannot be told apart"),
        (lambda x: x**2, 8, "8 trials trained to their end: 10 are needed for a map"),
    ],
)
def test_pairs_that_cannot_be_fitted_say_why(y: Any, n: int, note: str) -> None:
    x = np.arange(1.0, n + 1)
    table = boundary_2d.boundary_pairs(_judged([0, 1] * (n // 2), **{"latent.alpha": x, "latent.beta": y(x)}))
    assert table["note"].tolist() == [note]
    assert boundary_maps.boundary_maps(table, table[:0].assign(state=""), LOOKS).tabs == ()


def test_the_picture_draws_line_band_and_every_trial() -> None:
    judged = _drawn(40)
    table = boundary(judged)
    picture = boundaries(table, crossings(table), boundary_points(judged), LOOKS)
    (panel,) = picture.tabs[0].panels
    assert panel.title == "latent.kappa"
    assert len(panel.figure.data[3].x) == 40
    assert set(panel.figure.data[3].y) == {1.05, -0.05}
    assert panel.figure.layout.xaxis.type == "log"
    assert panel.note.startswith("1/2 at ")


def test_nothing_to_fit_gives_empty_tables_and_a_sentence() -> None:
    empty = judge(frame(replicate("a", "c", 1)))
    table, points = boundary(empty), boundary_points(empty)
    assert table.empty
    assert boundaries(table, crossings(table), points, LOOKS).tabs == ()
    maps, pairs = boundary_2d.boundary_pairs(empty), boundary_2d.pair_points(empty)
    assert list(maps.columns) == boundary_2d.MAP_COLUMNS
    assert boundary_maps.boundary_maps(maps, pairs, LOOKS).tabs == ()
