"""The probability of being best is calibrated; Kendall's W is the formula's."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

from tests.support.tables import OK, frame, replicate
from uncollapse.analysis.comparison import rank_stability, ranking
from uncollapse.analysis.verdicts import judge


def _study(figures: np.ndarray, family: str = "a", name: str = "nll_iw") -> list[dict[str, Any]]:
    """Configurations x seeds; NaN is a seed that failed."""
    return [
        replicate(family, f"c{c}", s, **OK, **{name: v}) if np.isfinite(v) else replicate(family, f"c{c}", s, "failed")
        for c, row in enumerate(figures)
        for s, v in enumerate(row)
    ]


def _claims(spread: float, size: tuple[int, int], rng: np.random.Generator) -> tuple[float, float, bool]:
    """What the model and the plain bootstrap claim of the chosen one, and whether it is truly best."""
    truth = spread * rng.normal(size=size[0])
    figures = truth[:, None] + rng.normal(size=size) + rng.normal(size=size[1])
    medians, drawn = np.median(figures, axis=1), ranking.bootstrap_medians(figures, 0, 300)
    chosen = int(medians.argmin())
    model = ranking.shrunk(medians, drawn, 0, 500)[chosen]
    return float(model), float(ranking.share_lowest(drawn)[chosen]), bool(truth.argmin() == chosen)


@pytest.mark.slow
def test_the_claim_of_the_chosen_one_is_right_on_average() -> None:
    """2,000 studies of 3 settings, true spread 0.1 to 3 sd of a seed: within 4 points; the plain bootstrap is over."""
    rng = np.random.default_rng(0)
    spreads = np.geomspace(0.1, 3, 10)
    claims = np.array([_claims(spread, (3, 8), rng) for spread in spreads for _ in range(200)], dtype=float)
    model, plain, truth = claims.mean(axis=0)
    assert model == pytest.approx(truth, abs=0.04)
    assert plain > truth + 0.05


@pytest.mark.slow
def test_the_model_is_less_sure_than_the_bootstrap_where_nothing_differs() -> None:
    rng = np.random.default_rng(1)
    model, plain, _ = np.array([_claims(0.0, (3, 8), rng) for _ in range(200)], dtype=float).mean(axis=0)
    assert plain > 0.6
    assert model < plain - 0.04


def test_clear_differences_are_certain_and_chances_sum_to_one() -> None:
    rng = np.random.default_rng(2)
    figures = np.array([30.0, 35.0, 40.0])[:, None] + 0.1 * rng.normal(size=(3, 6))
    table = ranking.probability_of_best(judge(frame(*_study(figures))))
    own = table[table["scope"] == "configurations"]
    assert own["probability"].tolist() == pytest.approx([1, 0, 0], abs=0.01)
    assert own["bootstrap"].tolist() == [1, 0, 0]
    assert own["probability"].sum() == pytest.approx(1)


def test_seeds_are_drawn_jointly() -> None:
    """A constant gain of 0.01 under seeds that move both by sd 10 is certain only because the seeds are shared."""
    seeds = np.random.default_rng(3).normal(30, 10, size=7)
    table = ranking.probability_of_best(judge(frame(*_study(np.stack([seeds, seeds + 0.01])))))
    own = table[table["scope"] == "configurations"]
    assert own["probability"].tolist() == [1, 0]


def test_equal_configurations_share_the_probability() -> None:
    table = ranking.probability_of_best(judge(frame(*_study(np.full((4, 5), 30.0)))))
    own = table[table["scope"] == "configurations"]
    assert own["probability"].tolist() == [0.25] * 4
    assert own["bootstrap"].tolist() == pytest.approx([0.25] * 4)


def test_families_compete_only_with_the_same_estimator() -> None:
    rng = np.random.default_rng(4)
    rows = _study(rng.normal(30, 1, size=(2, 6)), "a") + _study(rng.normal(30, 1, size=(2, 6)), "b")
    rows += [replicate("lm", "l", s, nll_exact=20.0, nll_iw=np.nan) for s in range(6)]
    table = ranking.probability_of_best(judge(frame(*rows)))
    families = table[table["scope"] == "families"].groupby("contest")
    assert families["probability"].sum()["nll_iw"] == pytest.approx(1)
    alone = table[(table["scope"] == "families") & (table["contest"] == "nll_exact")]
    assert alone["probability"].isna().all()  # a contest of one has no winner
    assert families["family"].agg(list).to_dict()["nll_exact"] == ["lm"]


def test_few_seeds_get_a_note_and_no_probability() -> None:
    figures = np.random.default_rng(5).normal(30, 1, size=(2, 4))
    table = ranking.probability_of_best(judge(frame(*_study(figures))))
    assert table.loc[table["scope"] == "configurations", "note"].tolist() == ["fewer than 5 seeds say too little"] * 2
    figures = np.array([[30.0, 31, 32, 33], [29, np.nan, np.nan, np.nan]])
    table = ranking.probability_of_best(judge(frame(*_study(figures)))).set_index(["scope", "configuration"])
    assert table.loc[("configurations", "c1"), "note"].startswith("fewer than half")
    assert table.loc[("configurations", "c0"), "note"] == "no other to compare with"


def test_a_missing_seed_does_not_decide() -> None:
    rng = np.random.default_rng(6)
    figures = np.array([30.0, 33.0])[:, None] + 0.2 * rng.normal(size=(2, 6))
    figures[0, 2] = np.nan
    own = ranking.probability_of_best(judge(frame(*_study(figures))))
    assert own.loc[own["configuration"] == "c0", "probability"].min() > 0.95


def test_the_same_seed_gives_the_same_probability() -> None:
    judged = judge(frame(*_study(np.random.default_rng(7).normal(30, 1, size=(3, 5)))))
    assert ranking.probability_of_best(judged, seed=1).equals(ranking.probability_of_best(judged, seed=1))


@pytest.mark.parametrize("size", [(3, 6), (7, 4)])
def test_kendalls_w_is_friedmans_chi_square_over_its_maximum(size: tuple[int, int]) -> None:
    figures = np.random.default_rng(8).normal(size=size)
    chi = stats.friedmanchisquare(*figures).statistic
    found = rank_stability.kendall(figures)
    assert found.w == pytest.approx(chi / (size[1] * (size[0] - 1)))
    rho = stats.spearmanr(figures).statistic if size[1] > 2 else None
    assert found.rho == pytest.approx(rho[np.triu_indices(size[1], 1)].mean())


def test_ties_are_corrected_as_in_friedmans_test() -> None:
    figures = np.array([[1, 1, 2, 1], [1, 2, 2, 3], [3, 2, 2, 4]], dtype=float)
    assert rank_stability.kendall(figures).w == pytest.approx(stats.friedmanchisquare(*figures).statistic / (4 * 2))


def test_the_permutation_p_is_exact_within_its_error() -> None:
    """Three configurations, three seeds in full agreement: 6 of 6^3 orders are as extreme."""
    found = rank_stability.kendall(np.array([[1.0, 1, 1], [2, 2, 2], [3, 3, 3]]), draws=20_000)
    assert found.w == 1
    assert found.p == pytest.approx(1 / 36, abs=4 * np.sqrt(1 / 36 / 20_000))


def test_the_permutation_p_rejects_at_its_level() -> None:
    """2,000 studies without order: 5 % within 4 standard errors."""
    rng = np.random.default_rng(9)
    p = np.array([rank_stability.kendall(rng.normal(size=(4, 6)), seed=i, draws=199).p for i in range(2000)])
    assert (p <= 0.05).mean() == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 2000))


@pytest.mark.parametrize(
    ("figures", "note"),
    [
        (np.array([[30.0, 31.0]]), "one configuration has no order"),
        (np.array([[30.0], [31.0]]), "fewer than two seeds have every figure"),
        (np.full((3, 4), 30.0), "every seed ties all configurations"),
    ],
)
def test_where_there_is_no_order_a_note_says_why(figures: np.ndarray, note: str) -> None:
    table = rank_stability.stability(judge(frame(*_study(figures)))).set_index("scope")
    assert table.loc["configurations", "note"] == note
    assert np.isnan(table.loc["configurations", "kendall_w"])


def test_first_places_are_counted_over_complete_seeds_and_ties_share() -> None:
    figures = np.array([[1.0, 1, 2, 5, 1], [2, 2, 1, 5, np.nan], [3, 3, 3, 6, 0]])
    table = rank_stability.first_places(judge(frame(*_study(figures))))
    own = table[table["scope"] == "configurations"].set_index("configuration")
    assert own["first"].to_dict() == {"c0": 2.5, "c1": 1.5, "c2": 0}
    assert set(own["seeds"]) == {4}
    assert own.loc["c2", "high"] > 0
    assert own.loc["c0", "mean_rank"] == pytest.approx((1 + 1 + 2 + 1.5) / 4)


def test_an_empty_study_gives_empty_tables() -> None:
    judged = judge(frame())
    for table in (
        ranking.probability_of_best(judged),
        rank_stability.stability(judged),
        rank_stability.first_places(judged),
    ):
        assert table.empty
        assert "note" in table.columns
